import PostgresWire
import Testing

@Suite("Startup packets")
struct StartupPacketTests {
    private func read(_ bytes: [UInt8]) -> StartupPacket.Reading { bytes.withUnsafeBytes { StartupPacket.read($0) } }
    private func word(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

    @Test("what a client writes is what is read, at every cut")
    func roundTrip() {
        let message = StartupMessage(
            minorVersion: 2,
            parameters: [.init("user", "kct_app"), .init("database", "kct"), .init("options", "-c geqo=off")],
            protocolOptions: ["_pq_.later"])
        let bytes = message.packet
        for count in bytes.indices { #expect(read(Array(bytes.prefix(count))) == .needsMore) }
        #expect(read(bytes + [1, 2]) == .packet(.start(message), byteCount: bytes.count))
        #expect(message.user == "kct_app")
        #expect(message.database == "kct")
    }

    @Test("the database is the user's name where none is given")
    func database() {
        #expect(StartupMessage(parameters: [.init("user", "ann")]).database == "ann")
        #expect(StartupMessage(parameters: [.init("user", "ann"), .init("database", "")]).database == "ann")
    }

    @Test("requests for encryption, and their length is exact")
    func encryption() {
        #expect(read(word(8) + word(80_877_103)) == .packet(.sslRequest, byteCount: 8))
        #expect(read(word(8) + word(80_877_104)) == .packet(.gssEncryptionRequest, byteCount: 8))
        #expect(read(word(9) + word(80_877_103) + [0]) == .invalid(.version(major: 1234, minor: 5679)))
    }

    @Test("cancel keys of 4 to 256 bytes", arguments: [4, 32, 256])
    func cancel(_ count: Int) {
        let key = CancelKey(processID: 7, secret: [UInt8](repeating: 9, count: count))
        #expect(read(key.cancelRequest) == .packet(.cancel(key), byteCount: 12 + count))
    }

    @Test("cancel keys of other sizes are refused", arguments: [0, 3, 257])
    func badCancel(_ count: Int) {
        let key = CancelKey(processID: 7, secret: [UInt8](repeating: 9, count: count))
        #expect(read(key.cancelRequest) == .invalid(.cancelKey))
    }

    @Test(
        "lengths out of bounds are refused before the packet is waited for",
        arguments: [-1, 0, 7, 10_001, .max] as [Int32])
    func length(_ length: Int32) { #expect(read(word(length)) == .invalid(.length(length))) }

    @Test("10,000 bytes are taken, as PostgreSQL takes them")
    func longest() {
        let empty = StartupMessage(parameters: [.init("user", "u"), .init("a", "")]).packet.count
        let message = StartupMessage(
            parameters: [.init("user", "u"), .init("a", String(repeating: "x", count: 10_000 - empty))])
        #expect(read(message.packet) == .packet(.start(message), byteCount: 10_000))
    }

    @Test("versions other than 3, packets without end, without user")
    func malformed() {
        #expect(read(word(8) + word(2 << 16)) == .invalid(.version(major: 2, minor: 0)))
        #expect(read(word(8) + word(3 << 16)) == .invalid(.layout))
        #expect(read(word(9) + word(3 << 16) + [0]) == .invalid(.noUser))
        #expect(read(word(15) + word(3 << 16) + Array("user\0u\0".utf8)) == .invalid(.layout))
        #expect(read(word(17) + word(3 << 16) + Array("user\0u\0\0".utf8) + [1]) == .invalid(.layout))
    }

    @Test("a cursor over random bytes never traps", arguments: 0..<64)
    func random(_ seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        for _ in 0..<200 {
            var bytes: [UInt8] = []
            for _ in 0..<Int(state % 40) {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                bytes.append(UInt8(truncatingIfNeeded: state))
            }
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            _ = read(word(Int32(bytes.count + 8)) + word(3 << 16) + bytes)
            bytes.withUnsafeBytes { raw in
                _ = ErrorFields(body: raw)
                _ = ParseMessage(body: raw)
                _ = BindMessage(body: raw)
                _ = NamedTarget(body: raw)
                _ = AuthenticationRequest(body: raw)
                _ = ParameterStatus(body: raw)
                _ = queryText(body: raw)
            }
        }
    }
}
