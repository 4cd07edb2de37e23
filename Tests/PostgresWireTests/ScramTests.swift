import PostgresWire
import Testing

/// The exchange of RFC 7677, section 3: user "user", password "pencil".
private enum RFC7677 {
    static let clientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    static let serverNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    static let serverFirst =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    static let clientLast =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    static let serverLast = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    static let salt: [UInt8] = [
        0x5B, 0x6D, 0x99, 0x68, 0x9D, 0x12, 0x35, 0x8E, 0xEC, 0xA0, 0x4B, 0x14, 0x12, 0x36, 0xFA, 0x81,
    ]
}

@Suite("SCRAM-SHA-256")
struct ScramTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("the example of RFC 7677, byte by byte")
    func example() throws {
        let verifier = try #require(ScramVerifier(password: "pencil", salt: RFC7677.salt))
        var server = try #require(ScramServer(verifier: verifier, nonce: RFC7677.serverNonce))
        #expect(text(try server.challenge(Array(RFC7677.clientFirst.utf8)).get()) == RFC7677.serverFirst)
        let success = try server.finish(Array(RFC7677.clientLast.utf8)).get()
        #expect(text(success.message) == RFC7677.serverLast)
    }

    /// Runs both sides; what the client's check says at the end.
    private func exchange(
        _ client: inout ScramClient, _ server: inout ScramServer
    ) throws -> (success: ScramServer.Success, check: ScramError?) {
        let challenge = try server.challenge(client.firstMessage).get()
        let success = try server.finish(try client.answer(challenge).get()).get()
        return (success, client.check(success.message))
    }

    @Test("a password logs in, and so do the keys that the login gave", arguments: ["pencil", "", "a,=b", "naïve ①"])
    func passThrough(_ password: String) throws {
        let verifier = try #require(ScramVerifier(password: password))
        let stored = try #require(ScramVerifier(verifier.text))
        #expect(stored == verifier)
        var client = try #require(ScramClient(secret: .password(password)))
        var server = try #require(ScramServer(verifier: stored))
        let first = try exchange(&client, &server)
        #expect(first.check == nil)
        var again = try #require(ScramClient(secret: .keys(first.success.keys)))
        var other = try #require(ScramServer(verifier: stored))
        #expect(try exchange(&again, &other).check == nil)
    }

    @Test("SASLprep: compatibility forms are the same password, soft hyphens are none")
    func prepared() throws {
        let verifier = try #require(ScramVerifier(password: "I\u{AD}X 1"))
        var client = try #require(ScramClient(secret: .password("\u{2168}\u{A0}1")))
        var server = try #require(ScramServer(verifier: verifier))
        #expect(try exchange(&client, &server).check == nil)
    }

    @Test("a wrong password, a user who does not exist")
    func wrong() throws {
        for verifier in [
            ScramVerifier(password: "right"), ScramVerifier(mockFor: "nobody", secret: [1, 2, 3]),
        ] {
            var client = try #require(ScramClient(secret: .password("wrong")))
            let verifier = try #require(verifier)
            var server = try #require(ScramServer(verifier: verifier))
            #expect(throws: ScramError.wrongPassword) { try exchange(&client, &server) }
        }
        let mocks = try (0..<2).map { _ in try #require(ScramVerifier(mockFor: "nobody", secret: [1])) }
        #expect(mocks[0].salt == mocks[1].salt)
    }

    @Test("a server that does not know the password is found out")
    func impostor() throws {
        let verifier = try #require(ScramVerifier(password: "pencil"))
        var client = try #require(ScramClient(secret: .password("pencil")))
        var server = try #require(ScramServer(verifier: verifier))
        let challenge = try server.challenge(client.firstMessage).get()
        _ = try client.answer(challenge).get()
        #expect(client.check(Array("v=\(String(repeating: "A", count: 43))=".utf8)) == .serverNotProved)
        #expect(client.check(Array("e=other-error".utf8)) == .serverNotProved)
    }

    @Test("channel binding: the same certificate on both sides, or no login")
    func binding() throws {
        let verifier = try #require(ScramVerifier(password: "pencil"))
        let secret = ScramClient.Secret.password("pencil")
        var client = try #require(ScramClient(secret: secret, endpoint: [1, 2, 3]))
        var server = try #require(ScramServer(verifier: verifier, plus: true, endpoint: [1, 2, 3]))
        #expect(try exchange(&client, &server).check == nil)

        var between = try #require(ScramClient(secret: secret, endpoint: [9]))
        var same = try #require(ScramServer(verifier: verifier, plus: true, endpoint: [1, 2, 3]))
        #expect(throws: ScramError.channelBinding) { try exchange(&between, &same) }

        // The offer of -PLUS was removed on the way: the client says "y", and we know better.
        var told = try #require(ScramClient(secret: secret, couldBind: true))
        var offered = try #require(ScramServer(verifier: verifier, endpoint: [1, 2, 3]))
        #expect(offered.challenge(told.firstMessage) == .failure(.channelBinding))
        var plain = try #require(ScramServer(verifier: verifier))
        #expect(try exchange(&told, &plain).check == nil)
        #expect(ScramServer(verifier: verifier, plus: true, endpoint: nil) == nil)
    }

    @Test(
        "malformed messages are refused",
        arguments: [
            "", "n,,", "n,,n=u", "n,,r=x,n=u", "n,a=root,n=,r=x", "p=tls-unique,,n=,r=x", "n,,n=,r=", "x,,n=,r=a",
        ])
    func malformed(_ message: String) throws {
        let verifier = try #require(ScramVerifier(password: "p"))
        var server = try #require(ScramServer(verifier: verifier))
        guard case .failure(.malformed) = server.challenge(Array(message.utf8)) else {
            Issue.record("\(message) was taken")
            return
        }
        // Whatever comes after, the exchange has ended.
        guard case .failure = server.challenge(Array("n,,n=,r=x".utf8)) else {
            Issue.record("a second try was taken")
            return
        }
    }

    @Test("a server cannot make the client compute for ever, nor leave out the nonce")
    func hostileServer() throws {
        for challenge in ["r=x,s=AAAA,i=4096", "r=nonceY,s=AAAA,i=99999999", "r=nonceY,s=,i=1", "r=nonce,s=AAAA,i=1"] {
            var client = try #require(ScramClient(secret: .password("p"), nonce: "nonce"))
            guard case .failure(.malformed) = client.answer(Array(challenge.utf8)) else {
                Issue.record("\(challenge) was taken")
                return
            }
        }
    }

    @Test("verifiers that are none")
    func badVerifiers() {
        for text in ["", "md5abc", "SCRAM-SHA-256$0:AAAA$AAAA:AAAA", "SCRAM-SHA-256$4096:$A:B", "SCRAM-SHA-256$4096"] {
            #expect(ScramVerifier(text) == nil)
        }
        #expect("\(String(describing: ScramVerifier(password: "p")))".contains("=") == false)
    }

    @Test("md5: the stored form and the answer to a salt")
    func md5() {
        // SELECT 'md5' || md5('secret' || 'ann')
        let stored = MD5Password.stored(password: "secret", user: "ann")
        #expect(stored == "md59d792a3a8853c2411afb9163d088c036")
        let answer = stored.flatMap { MD5Password.answer(stored: $0, salt: [1, 2, 3, 4]) }
        #expect(answer == "md59009ce60b9ca97f1e752376843d1309e")
        #expect(answer.map { MD5Password.matches(answer: $0, stored: stored ?? "", salt: [1, 2, 3, 4]) } == true)
        #expect(answer.map { MD5Password.matches(answer: $0, stored: stored ?? "", salt: [1, 2, 3, 5]) } == false)
        #expect(MD5Password.answer(stored: "md5xyz", salt: [1, 2, 3, 4]) == nil)
    }
}
