import PostgresWire
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// Random and nearly right bytes at everything that reads what strangers send. `STRATA_FUZZ_SECONDS`, `STRATA_FUZZ_SEED`.
@Suite("Fuzzer: decoders")
struct ProxyDecoderFuzzTests {
    private static let capacity = 4096

    /// Hands the body something else each time, until the time is over.
    private func fuzz(
        _ what: String, _ corpus: [[UInt8]], _ body: (UnsafeRawBufferPointer, inout SeededRandom) throws -> Void
    ) throws {
        var random = SeededRandom(SeededRandom.seed(for: "fuzzer, \(what)"))
        let guarded = try GuardedBytes(capacity: Self.capacity)
        let end = ContinuousClock.now + .milliseconds(Int(TestLength.fuzz * 1000))
        var inputs = 0
        while ContinuousClock.now < end {
            for _ in 0..<100 {
                let bytes =
                    random.once(in: 8)
                    ? ByteMutation.random(random.below(200), &random)
                    : ByteMutation.mutated(random.pick(corpus), random.pick(corpus), &random)
                try guarded.withBytes(bytes) { try body($0, &random) }
                inputs += 1
            }
        }
        print("fuzzer, \(what): \(inputs) inputs")
    }

    private func isWithin(_ part: UnsafeRawBufferPointer, _ whole: UnsafeRawBufferPointer) -> Bool {
        guard let start = part.baseAddress, let base = whole.baseAddress else { return part.isEmpty }
        return start >= base && start + part.count <= base + whole.count
    }

    /// What clients send after their login: whole conversations.
    private static let conversations: [[UInt8]] = (0..<60).map { seed in
        var generator = ConversationGenerator(UInt64(seed), client: 0)
        return generator.conversation().flatMap(\.bytes)
    }

    @Test("frames and units: each step takes something, and no more than there is")
    func units() throws {
        try fuzz("units", Self.conversations) { bytes, random in
            var offset = 0
            reading: while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                if case .header(let header) = FrameHeader.read(rest) { #expect(header.bodyCount >= 0) }
                let found = UnitScan.next(rest)
                switch found {
                case .large(let count):
                    try #require(count <= rest.count)
                    guard count > 0 else { break reading }
                    offset += count
                case .unit(let count), .part(let count), .copy(let count):
                    try #require(count > 0 && count <= rest.count)
                    // More bytes behind them change nothing about whole units.
                    let known = UnsafeRawBufferPointer(rebasing: rest[..<count])
                    if case .copy = found { #expect(UnitScan.next(known) == found) }
                    offset += count
                case .partialCopy(let header):
                    #expect(header.frameCount > rest.count)
                    break reading
                case .terminate, .needsMore, .invalid: break reading
                }
            }
        }
    }

    @Test("messages of clients: every slice lies within its message")
    func messages() throws {
        let corpus = Self.conversations.flatMap { ConversationStep.messages($0) }.map { Array($0.dropFirst(5)) }
        try fuzz("client messages", corpus) { bytes, _ in
            if let parse = ParseMessage(body: bytes) {
                #expect(isWithin(parse.name, bytes) && isWithin(parse.query, bytes))
                #expect(isWithin(parse.parameterTypes, bytes) && parse.parameterTypes.count >= 2)
            }
            if let bind = BindMessage(body: bytes) {
                #expect(isWithin(bind.portal, bytes) && isWithin(bind.statement, bytes) && isWithin(bind.rest, bytes))
            }
            if let target = NamedTarget(body: bytes) { #expect(isWithin(target.name, bytes)) }
            if let text = queryText(body: bytes) { #expect(text.count == bytes.count - 1 && isWithin(text, bytes)) }
        }
    }

    @Test("messages of servers, and what is made of them reads the same again")
    func serverMessages() throws {
        var writer = MessageWriter()
        ErrorFields(code: "08P01", message: "no", detail: "d", hint: "h", others: [.init(type: 0x46, value: "f")])
            .write(to: &writer)
        let error = Array(writer.bytes.dropFirst(5))
        let corpus: [[UInt8]] = [
            error, Array("TimeZone\0UTC\0".utf8), [0, 0, 0, 5, 1, 2, 3, 4],
            [0, 0, 0, 10] + Array("SCRAM-SHA-256\0\0".utf8),
            [0, 0, 0, 11] + Array("r=abc,s=c2FsdA==,i=4096".utf8), [0, 0, 0, 12] + Array("v=AAAA".utf8),
            [0, 0, 1, 0, 9, 9, 9, 9],
        ]
        try fuzz("server messages", corpus) { bytes, _ in
            if let fields = ErrorFields(body: bytes) {
                var writer = MessageWriter()
                fields.write(to: &writer)
                let again = writer.bytes.dropFirst(5).withUnsafeBytes { ErrorFields(body: $0) }
                #expect(again == fields)
            }
            if let status = ParameterStatus(body: bytes) { #expect(status.name.utf8.count <= 3 * bytes.count) }
            if let key = CancelKey(keyData: bytes) { #expect(4...256 ~= key.secret.count) }
            _ = AuthenticationRequest(body: bytes)
        }
    }

    @Test("startup packets: none is longer than PostgreSQL's, and what is read can be written")
    func startup() throws {
        let user = StartupMessage(
            minorVersion: 2, parameters: [.init("user", "u"), .init("database", "d"), .init("options", "-c a=b")],
            protocolOptions: ["_pq_.x"])
        let corpus: [[UInt8]] = [
            user.packet, StartupMessage(parameters: [.init("user", "me")]).packet, [0, 0, 0, 8, 4, 210, 22, 47],
            [0, 0, 0, 8, 4, 210, 22, 48], [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 7, 1, 2, 3, 4],
        ]
        try fuzz("startup packets", corpus) { bytes, _ in
            guard case .packet(let packet, let count) = StartupPacket.read(bytes) else { return }
            #expect(8...min(bytes.count, StartupPacket.maximumBytes) ~= count)
            guard case .start(let message) = packet else { return }
            #expect(!message.user.isEmpty && !message.database.isEmpty)
            let again = message.packet.withUnsafeBytes { StartupPacket.read($0) }
            #expect(again == .packet(packet, byteCount: message.packet.count) || message.packet.count > 10_000)
        }
    }

    @Test("SQL texts: keys and directives of anything; the same bytes have the same key, wherever they lie")
    func texts() throws {
        var generator = ConversationGenerator(1, client: 0)
        let corpus =
            (0..<200).map { _ in Array(generator.sql().utf8) }
            + [
                "/* strata:replica */ SELECT 1", "/*route='GET%20%2Fx',a='b'*/ SELECT $$a$$, $x$b$x$, E'\\'', U&'x'",
                "SELECT 'a' -- strata:primary\n 'b', 1.5e10, \"q\"\"q\", $1 /* a /* b */ c */;",
                "SELECT 0x1F, .5, 1..2",
            ].map { Array($0.utf8) }
        let seed = StatementKey.Seed.random()
        try fuzz("texts", corpus) { bytes, _ in
            let key = StatementKey.of(bytes, seed: seed)?.key
            let exact = StatementKey.exact(bytes, seed: seed)
            let copy = [0x78] + Array(bytes)
            copy.withUnsafeBytes { moved in
                let same = UnsafeRawBufferPointer(rebasing: moved[1...])
                #expect(StatementKey.of(same, seed: seed)?.key == key)
                #expect(StatementKey.exact(same, seed: seed) == exact)
            }
            let directives = StatementDirectives.read(bytes)
            #expect(directives.tags.count <= StatementDirectives.maxTags)
            #expect(directives.tags.allSatisfy { $0.value.utf8.count <= 3 * StatementDirectives.maxValueBytes })
        }
    }

    @Test("SCRAM messages of strangers")
    func scram() throws {
        let corpus = ["n,,n=user,r=abcdef", "y,,n=,r=x", "p=tls-server-end-point,,n=u,r=q", "c=biws,r=abc,p=AAAA"]
        let verifier = try #require(ScramVerifier(password: "secret", salt: [1, 2, 3, 4], iterations: 4096))
        try fuzz("SCRAM", corpus.map { Array($0.utf8) }) { bytes, random in
            guard var server = ScramServer(verifier: verifier) else { return }
            guard case .success = server.challenge(Array(bytes)) else { return }
            let answer = ByteMutation.mutated(Array("c=biws,r=abc,p=AAAA".utf8), Array(bytes), &random)
            if case .success = server.finish(answer) { Issue.record("it let somebody in") }
        }
    }
}
