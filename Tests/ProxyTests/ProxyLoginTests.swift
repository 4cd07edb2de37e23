import Foundation
import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Who gets in, and how.
@Suite("Proxy: login")
struct ProxyLoginTests {
    typealias Wire = WireClient

    private static func users(_ user: String, _ secret: String) -> Users {
        Users(secrets: [user: UserSecret(stored: secret)])
    }

    /// A role of the test's own, which exists only while the test runs.
    private func withRole<T>(password: String, _ body: (String) async throws -> T) async throws -> T {
        try await withTestDatabase("role") { database in
            let role = "r_\(UInt64.random(in: 0...UInt64.max))"
            try await database.execute("CREATE ROLE \(role) LOGIN PASSWORD '\(password)'")
            do {
                let value = try await body(role)
                try await database.execute("DROP ROLE \(role)")
                return value
            } catch {
                try? await database.execute("DROP ROLE \(role)")
                throw error
            }
        }
    }

    @Test("SCRAM by a verifier: the client's own keys log in to the server, no password is kept anywhere")
    func scramKeys() async throws {
        try await withRole(password: "sésame 🙂") { role in
            try await withProxy { proxy in
                let verifier = try await proxy.database.connect().query(
                    "SELECT rolpassword FROM pg_authid WHERE rolname = '\(role)'"
                ).only().string(0)
                try await withProxy(configure: {
                    $0.login = .scram
                    $0.users = Self.users(role, verifier)
                }) { strict in
                    let client = try strict.wire(login: false)
                    try client.start(user: role, database: "main", password: "sésame 🙂")
                    #expect(try client.query("SELECT current_user").rows == [[role]])
                    let wrong = try strict.wire(login: false)
                    let error = try wrong.start(user: role, database: "main", password: "sesame").last?.error
                    #expect(error?.code == "28P01")
                    #expect(error?.message == "password authentication failed for user \"\(role)\"")
                }
            }
        }
    }

    @Test("SCRAM and md5 by a password in the file", arguments: [ProxyConfiguration.Login.scram, .md5])
    func passwords(_ login: ProxyConfiguration.Login) async throws {
        try await withRole(password: "secret") { role in
            try await withProxy(configure: {
                $0.login = login
                $0.users = Self.users(role, "secret")
            }) { proxy in
                let client = try proxy.wire(login: false)
                try client.start(user: role, database: "main", password: "secret")
                #expect(try client.query("SELECT current_user").rows == [[role]])
                let wrong = try proxy.wire(login: false)
                #expect(try wrong.start(user: role, database: "main", password: "guess").last?.error?.code == "28P01")
            }
        }
    }

    @Test("A user that does not exist goes through the same exchange and fails in the same words")
    func unknownUser() async throws {
        try await withProxy(configure: {
            $0.login = .scram
            $0.users = Self.users("known", "secret")
        }) { proxy in
            func exchange(_ user: String) throws -> [String] {
                let client = try proxy.wire(login: false)
                return try client.start(user: user, database: "main", password: "wrong").map { message in
                    message.tag == "E" ? message.error?.message.replacing(user, with: "U") ?? "" : "\(message.tag)"
                }
            }
            let (known, stranger) = (try exchange("known"), try exchange("stranger"))
            #expect(known == stranger)
        }
    }

    @Test("A server that refuses the login: its own words reach the client")
    func serverRefuses() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire(login: false)
            let error = try client.start(user: "nobody_of_that_name", database: "main").last?.error
            #expect(error?.code == "28P01" || error?.code == "28000")
            #expect(error?.severity == "FATAL")
        }
    }

    @Test("An unknown database, a replication connection, too many clients: distinct errors")
    func refusals() async throws {
        try await withProxy(limits: { $0.maximumClients = 2 }) { proxy in
            func error(_ database: String, _ parameters: [(String, String)] = []) throws -> ErrorFields? {
                let client = try proxy.wire(login: false)
                return try client.start(user: proxy.user, database: database, parameters: parameters).last?.error
            }
            #expect(try error("nowhere")?.code == "3D000")
            #expect(try error("main", [("replication", "database")])?.code == "0A000")
            let kept = [try proxy.wire(), try proxy.wire()]
            let full = try error("main")
            #expect(full?.code == "53300")
            #expect(full?.message == "sorry, too many clients already")
            _ = kept
        }
    }

    @Test("A password message before a startup packet, and one that is too long, end the connection")
    func outOfPlace() async throws {
        try await withProxy(configure: {
            $0.login = .scram
            $0.users = Self.users("u", "p")
        }) { proxy in
            let early = try proxy.wire(login: false)
            try early.send(Wire.message("p", Array("x\0".utf8)))
            #expect(try early.receive(through: "E").last?.error?.code == "08P01")
            let long = try proxy.wire(login: false)
            try long.send(StartupMessage(parameters: [.init("user", "u"), .init("database", "main")]).packet)
            _ = try long.receive()
            try long.send([UInt8(ascii: "p")] + Wire.int32(1 << 20))
            #expect(try long.receive(through: "E").last?.error?.code == "08P01")
        }
    }

    @Test("Rules by address and user: the first that fits decides, and reject refuses whatever is proved")
    func rules() throws {
        var configuration = ProxyConfiguration(
            listen: .tcp(host: "127.0.0.1", port: 0), databases: [], users: .everybody, logger: .init(label: "t"))
        configuration.login = .scram
        func rule(_ origin: Routing.AuthRule.Origin, _ user: String?, _ kind: Routing.AuthRule.Kind) -> Routing.AuthRule
        {
            var rule = Routing.AuthRule(kind: kind, place: SourcePlace(file: "t", line: 1, column: 1))
            rule.origin = origin
            rule.user = user
            return rule
        }
        let ten = try IPRange.parse("10.0.0.0/8").get()
        configuration.loginRules = [
            rule(.local, nil, .trust), rule(.range(ten), "app", .md5), rule(.range(ten), nil, .reject),
        ]
        #expect(configuration.login(of: "x", from: .unix) == .trust)
        #expect(configuration.login(of: "app", from: .ip("10.1.2.3")) == .md5)
        #expect(configuration.login(of: "x", from: .ip("10.1.2.3")) == nil)
        #expect(configuration.login(of: "x", from: .ip("::ffff:10.1.2.3")) == nil)
        #expect(configuration.login(of: "x", from: .ip("192.168.0.1")) == .scram)
    }

    @Test("TLS to clients, SCRAM-SHA-256-PLUS over it, and direct TLS")
    func encrypted() async throws {
        let folder = NSTemporaryDirectory() + "strata-tls-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        try #require(openssl.terminationStatus == 0)
        try await withRole(password: "geheim") { role in
            try await withProxy(configure: {
                $0.login = .scram
                $0.users = Self.users(role, "geheim")
                $0.tls = .init(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
                $0.tls?.isRequired = true
            }) { proxy in
                let connection = try await proxy.connect([
                    "user": role, "password": "geheim", "sslmode": "verify-ca", "sslrootcert": "\(folder)/cert.pem",
                    "channel_binding": "require",
                ])
                #expect(try await connection.query("SELECT current_user::text").only().string(0) == role)
                let long = String(repeating: "x", count: 300_000)
                #expect(try await connection.query("SELECT '\(long)' AS a").only().string(0) == long)
                await connection.close()
                let plain = try proxy.wire(login: false)
                #expect(try plain.start(user: role, database: "main", password: "geheim").last?.error?.code == "28000")
            }
        }
    }

    @Test("The users file: PgBouncer's format, comments, doubled quotes; a broken line is named")
    func usersFile() throws {
        let users = try Users(
            text: """
                ; comment
                "a" "plain"
                "with ""quotes"" x" "md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

                # another
                """,
            name: "users.txt")
        #expect(users.secret(of: "a") == .password("plain"))
        #expect(users.secret(of: "with \"quotes\" x") == .md5("md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
        #expect(users.secret(of: "b") == nil)
        let error = #expect(throws: ProxyError.self) { try Users(text: "\"a\" \"b\"\nnonsense", name: "users.txt") }
        #expect(error?.message == "line 2 of the users file users.txt is not \"user\" \"secret\"")
    }
}
