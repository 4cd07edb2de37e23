import Foundation
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Encryption on both sides, and what certificates prove.
@Suite("Proxy: TLS and certificates")
struct ProxyTLSTests {
    // MARK: Clients

    /// What comes back, until that is seen or the other side closes, through `openssl s_client`, which begins with TLS at once.
    private func direct(_ port: UInt16, _ bytes: [UInt8], _ words: [String], until seen: String) async throws -> [UInt8]
    {
        try await blocking {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(port)"] + words
            process.standardError = FileHandle.nullDevice
            let (input, output) = (Pipe(), Pipe())
            process.standardInput = input
            process.standardOutput = output
            // It may have gone before it is written to.
            signal(SIGPIPE, SIG_IGN)
            try process.run()
            try? input.fileHandleForWriting.write(contentsOf: Data(bytes))
            var answer = Data()
            while answer.range(of: Data(seen.utf8)) == nil {
                let more = output.fileHandleForReading.availableData
                guard !more.isEmpty else { break }
                answer += more
            }
            // Whoever has the answer says goodbye.
            try? input.fileHandleForWriting.write(contentsOf: Data(WireClient.message("X")))
            _ = try output.fileHandleForReading.readToEnd()
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
            return Array(answer)
        }
    }

    @Test("Direct TLS: with ALPN postgresql a session as any other, without it an error")
    func directTLS() async throws {
        try await TestCertificates.with { certificates in
            let pair = try certificates.selfSigned("localhost")
            try await withProxy(configure: { $0.tls = .init(certificate: pair.certificate, key: pair.key) }) { proxy in
                let startup = StartupMessage(parameters: [
                    .init("user", proxy.user), .init("database", "main"),
                ]).packet
                let session = startup + WireClient.query("SELECT 'seen ' || 42")
                let good = try await direct(proxy.port, session, ["-alpn", "postgresql"], until: "seen 42")
                let shown = String(decoding: good.map { $0 < 32 ? 46 : $0 }, as: UTF8.self)
                #expect(shown.hasPrefix("R") && shown.contains("seen 42"), "\(shown)")
                let other = try await direct(proxy.port, session, ["-alpn", "http/1.1"], until: "seen")
                #expect(other.isEmpty)
                let none = try await direct(proxy.port, session, [], until: "extension")
                #expect(String(decoding: none, as: UTF8.self).contains("without ALPN protocol negotiation extension"))
            }
        }
    }

    @Test("A certificate logs its own user in, and nobody else; none, or a stranger's, does not")
    func certificateLogin() async throws {
        try await TestCertificates.with { certificates in
            let server = try certificates.selfSigned("localhost")
            let authority = try certificates.selfSigned("authority")
            let other = try certificates.selfSigned("other")
            try await withProxy(configure: {
                $0.login = .certificate
                $0.tls = .init(
                    certificate: server.certificate, key: server.key, authorities: authority.certificate)
            }) { proxy in
                let mine = try certificates.signed(proxy.user, by: authority)
                func connect(_ pair: TestCertificates.Pair?) async throws -> Connection {
                    try await proxy.connect([
                        "sslmode": "require", "sslcert": pair?.certificate ?? "/nowhere", "sslkey": pair?.key ?? "",
                    ])
                }
                let connection = try await connect(mine)
                #expect(try await connection.query("SELECT current_user::text").only().string(0) == proxy.user)
                await connection.close()
                let refused = await #expect(throws: PostgresError.self) {
                    _ = try await connect(try certificates.signed("somebody", by: authority))
                }
                #expect(refused?.sqlState?.rawValue == "28000" || refused?.message.contains("certificate") == true)
                let none = await #expect(throws: PostgresError.self) { _ = try await connect(nil) }
                #expect(none?.message.contains("requires a valid client certificate") == true)
                await #expect(throws: PostgresError.self) {
                    _ = try await connect(try certificates.signed("\(proxy.user)", by: other))
                }
                let plain = try proxy.wire(login: false)
                let error = try plain.start(user: proxy.user, database: "main").last?.error
                #expect(error?.message == "the proxy takes encrypted connections only")
            }
        }
    }

    // MARK: Servers

    /// A server that speaks TLS, and its certificate.
    private func withServer(
        host: String, _ body: (ReplicationCluster, TestCertificates, String) async throws -> Void
    ) async throws {
        try await TestCertificates.with { certificates in
            try await ReplicationCluster.with(replicas: 0) { cluster in
                let make = """
                    cat > /dev/null; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                    -subj /CN=server -addext subjectAltName=\(host) -keyout server.key -out server.crt 2> /dev/null \
                    && chmod 600 server.key
                    """
                try await cluster.execute(0, "COPY (SELECT 1) TO PROGRAM '\(make)'")
                try await cluster.execute(0, "ALTER SYSTEM SET ssl = on")
                try await cluster.execute(0, "SELECT pg_reload_conf()")
                try await eventually("the server speaks TLS") {
                    try await cluster.query(0, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").only()
                        .bool(0)
                }
                let file = "\(certificates.folder)/server.crt"
                let text = try await cluster.query(0, "SELECT pg_read_file('server.crt')").only().string(0)
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                try await body(cluster, certificates, file)
            }
        }
    }

    /// What a client of a proxy with these settings for its server gets.
    private func ask(
        _ cluster: ReplicationCluster, _ overrides: [String: String]
    ) async throws -> (
        rows: [[String?]], error: ErrorFields?
    ) {
        let node = try NodeEndpoint(name: "primary", settings: cluster.settings(of: 0, overrides))
        return try await withProxy(configure: { $0.databases[0].nodes = [node] }) { proxy in
            let client = try proxy.wire(login: false)
            let messages = try client.start(user: "strata_test", database: "main")
            if let error = messages.last?.error { return ([], error) }
            return (try client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").rows, nil)
        }
    }

    @Test("sslmode of the url: require and verify-full encrypt; another authority or host is refused, and why is said")
    func serverCertificates() async throws {
        try await withServer(host: "IP:127.0.0.1") { cluster, certificates, authority in
            #expect(try await ask(cluster, ["sslmode": "require"]).rows == [["t"]])
            #expect(try await ask(cluster, ["sslmode": "disable"]).rows == [["f"]])
            for mode in ["verify-ca", "verify-full"] {
                let good = try await ask(cluster, ["sslmode": mode, "sslrootcert": authority])
                #expect(good.rows == [["t"]], "\(mode): \(good.error?.message ?? "")")
            }
            let stranger = try certificates.selfSigned("stranger").certificate
            for mode in ["verify-ca", "verify-full", "require"] {
                let refused = try await ask(cluster, ["sslmode": mode, "sslrootcert": stranger])
                #expect(refused.error?.code == "08006", "\(mode)")
                #expect(refused.error?.message.contains("the certificate is not accepted") == true, "\(mode)")
            }
        }
        try await withServer(host: "DNS:elsewhere.example") { cluster, _, authority in
            #expect(try await ask(cluster, ["sslmode": "verify-ca", "sslrootcert": authority]).rows == [["t"]])
            let refused = try await ask(cluster, ["sslmode": "verify-full", "sslrootcert": authority])
            #expect(refused.error?.message.contains("the certificate is not accepted") == true)
        }
    }

    @Test("A server without TLS where sslmode demands it: refused")
    func noTLS() async throws {
        try await withTestDatabase("plain") { database in
            let node = try NodeEndpoint(
                name: "primary", settings: database.settings.settings(["sslmode": "require"]))
            try await withProxy(configure: { $0.databases[0].nodes = [node] }) { proxy in
                let error = try proxy.wire(login: false).start(user: proxy.user, database: "main").last?.error
                #expect(error?.code == "08006")
                #expect(error?.message.contains("does not speak TLS") == true)
            }
        }
    }

    @Test("A password for the server from .pgpass, also for a user that is not the url's")
    func passwordFile() async throws {
        try await TestCertificates.with { folder in
            try await withTestDatabase("pgpass") { database in
                let role = "r_\(UInt64.random(in: 0...UInt64.max))"
                try await database.execute("CREATE ROLE \(role) LOGIN PASSWORD 'with:colon'")
                let file = "\(folder.folder)/pgpass"
                try "# of this test\n127.0.0.1:*:*:\(role):with\\:colon\n"
                    .write(toFile: file, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
                let node = try NodeEndpoint(
                    name: "primary", settings: database.settings.settings(["passfile": file]))
                do {
                    try await withProxy(configure: { $0.databases[0].nodes = [node] }) { proxy in
                        let client = try proxy.wire(login: false)
                        let messages = try client.start(user: role, database: "main")
                        #expect(messages.last?.error == nil)
                        #expect(try client.query("SELECT current_user").rows == [[role]])
                        // libpq would not read it either.
                        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
                        let open = try proxy.wire(login: false)
                        let refused = try open.start(
                            user: role, database: "main", parameters: [("DateStyle", "German")])
                        #expect(refused.last?.error?.code == "28P01")
                    }
                } catch {
                    try? await database.execute("DROP ROLE \(role)")
                    throw error
                }
                try await database.execute("DROP ROLE \(role)")
            }
        }
    }
}
