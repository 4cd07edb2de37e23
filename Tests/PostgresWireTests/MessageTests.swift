import PostgresWire
import Testing

@Suite("Messages")
struct MessageTests {
    /// The body of the first message of some bytes.
    private func body<T>(_ bytes: [UInt8], _ read: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try bytes.withUnsafeBytes { try read(UnsafeRawBufferPointer(rebasing: $0.dropFirst(FrameHeader.byteCount))) }
    }

    @Test("an error goes through unchanged, unknown fields too")
    func errors() throws {
        let error = ErrorFields(
            severity: "FATAL", code: "53300", message: "sorry, too many clients already", detail: "d", hint: "h",
            others: [.init(type: UInt8(ascii: "F"), value: "proc.c"), .init(type: UInt8(ascii: "?"), value: "")])
        var writer = MessageWriter()
        error.write(to: &writer)
        #expect(writer.bytes.first == BackendTag.errorResponse)
        #expect(try #require(body(writer.bytes) { ErrorFields(body: $0) }) == error)
    }

    @Test("servers before 9.6 send no field V")
    func oldSeverity() throws {
        let bytes = Array("SFEHLER\0C42601\0Mx\0\0".utf8)
        #expect(try #require(bytes.withUnsafeBytes { ErrorFields(body: $0) }).severity == "FEHLER")
        #expect(bytes.dropLast().withUnsafeBytes { ErrorFields(body: $0) } == nil)
    }

    @Test("Parse: name, text and types; a count that does not fit is refused")
    func parse() throws {
        var writer = MessageWriter()
        ParseMessage.write(
            name: "s0".utf8, query: "SELECT $1".utf8, parameterTypes: [0, 1, 0, 0, 0, 23], to: &writer)
        body(writer.bytes) { raw in
            let message = ParseMessage(body: raw)
            #expect(message.map { String(decoding: $0.name, as: UTF8.self) } == "s0")
            #expect(message.map { String(decoding: $0.query, as: UTF8.self) } == "SELECT $1")
            #expect(message.map { Array($0.parameterTypes) } == [0, 1, 0, 0, 0, 23])
        }
        for types in [[0], [0, 2, 0, 0, 0, 23], [0xFF, 0xFF], [0, 0, 1]] as [[UInt8]] {
            var bad = MessageWriter()
            ParseMessage.write(name: [], query: [], parameterTypes: types, to: &bad)
            #expect(body(bad.bytes) { ParseMessage(body: $0) == nil })
        }
    }

    @Test("Bind, Describe and Close name their targets")
    func names() {
        let bind = Array("p\0s\0".utf8) + [1, 2, 3]
        bind.withUnsafeBytes { raw in
            let message = BindMessage(body: raw)
            #expect(message.map { Array($0.portal) } == Array("p".utf8))
            #expect(message.map { Array($0.statement) } == Array("s".utf8))
            #expect(message.map { Array($0.rest) } == [1, 2, 3])
        }
        #expect(Array("Ss0\0".utf8).withUnsafeBytes { NamedTarget(body: $0)?.kind } == .statement)
        #expect(Array("P\0".utf8).withUnsafeBytes { NamedTarget(body: $0)?.kind } == .portal)
        for bad in ["", "S", "Sx", "Xx\0", "Sx\0y"] {
            #expect(Array(bad.utf8).withUnsafeBytes { NamedTarget(body: $0) == nil })
        }
    }

    @Test("a query ends with its zero and nothing else")
    func query() {
        #expect(Array("SELECT 1\0".utf8).withUnsafeBytes { queryText(body: $0)?.count } == 8)
        #expect(Array("SELECT 1".utf8).withUnsafeBytes { queryText(body: $0) == nil })
        #expect(Array("a\0b\0".utf8).withUnsafeBytes { queryText(body: $0) == nil })
    }

    @Test(
        "requests to authenticate",
        arguments: [
            .ok, .cleartextPassword, .md5Password(salt: [1, 2, 3, 4]),
            .sasl(mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]), .saslContinue([5]), .saslFinal([]),
            .unsupported(7),
        ] as [AuthenticationRequest])
    func authentication(_ request: AuthenticationRequest) throws {
        var writer = MessageWriter()
        request.write(to: &writer)
        #expect(try #require(body(writer.bytes) { AuthenticationRequest(body: $0) }) == request)
    }

    @Test("keys and settings")
    func others() throws {
        let key = CancelKey(processID: -5, secret: [1, 2, 3, 4, 5])
        var writer = MessageWriter()
        key.writeKeyData(to: &writer)
        #expect(try #require(body(writer.bytes) { CancelKey(keyData: $0) }) == key)
        var other = MessageWriter()
        let status = ParameterStatus(name: "TimeZone", value: "Europe/Berlin")
        status.write(to: &other)
        #expect(try #require(body(other.bytes) { ParameterStatus(body: $0) }) == status)
        #expect(BackendMessages.readyForQuery(.failed) == [0x5A, 0, 0, 0, 5, 0x45])
    }
}
