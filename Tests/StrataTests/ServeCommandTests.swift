import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// `strata serve` and `strata events user`, as programs.
@Suite("Command: serve", .timeLimit(.minutes(3)))
struct ServeCommandTests {
    private func with(_ body: (Workshop) async throws -> Void) async throws {
        try await Workshop.with { shop in
            for words in [["init"], ["organization", "add", "Shelter"], ["stream", "add", "animals"]] {
                let result = try await shop.program.start(["events"] + words).finish()
                #expect(result.code == 0, "\(result)")
            }
            try await body(shop)
        }
    }

    private func key(_ shop: Workshop) async throws -> String {
        let made = try await shop.program.run("events", "key", "add", "shop", "--scope", "append", "--scope", "read")
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The program and its address, once it listens.
    private func serve(_ shop: Workshop, _ more: String...) async throws -> (program: RunningProgram, address: String) {
        let program = try shop.program.start(["serve", "--listen", "127.0.0.1:0"] + more, timeout: 120)
        let pattern = try Regex("at (http://127.0.0.1:[0-9]+)\n", as: (Substring, Substring).self)
        var address: String?
        try await eventually("strata serve listens") {
            address = program.errorsSoFar.firstMatch(of: pattern).map { String($0.1) }
            return address != nil
        }
        return (program, try #require(address))
    }

    private func ask(_ url: String, _ key: String?, _ body: String? = nil) async throws -> (status: Int, text: String) {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.timeoutInterval = 30
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        return (try #require(response as? HTTPURLResponse).statusCode, String(decoding: data, as: UTF8.self))
    }

    @Test("It serves what the commands have made, shows no secret, and ends at the first SIGTERM with code 0")
    func serves() async throws {
        try await with { shop in
            let token = String(repeating: "ab", count: 32)
            let file = shop.folder.appending(path: "token")
            try Data((token + "\n").utf8).write(to: file)
            let key = try await key(shop)
            let (program, address) = try await serve(shop, "--operator-token-file", file.path)
            let path = "\(address)/v1/streams/animals/events"
            #expect(try await ask(path, key, #"[{"type": "registered", "payload": {"name": "Rex"}}]"#).status == 201)
            #expect(try await ask("\(address)/v1/organizations", token).text.contains("Shelter"))
            #expect(try await ask(path, nil).status == 401)
            #expect(try await ask("\(address)/health/ready", nil).status == 204)
            let read = try await shop.program.run("events", "read", "animals")
            #expect(read.output.contains("Rex"))
            program.signal(SIGTERM)
            let ended = try await program.finish()
            #expect(ended.code == 0 && !ended.wasKilled, "\(ended)")
            #expect(ended.errors.contains("answering what was accepted") && ended.errors.hasSuffix("ended\n"))
            #expect(!ended.errors.contains(key) && !ended.errors.contains(token) && ended.output.isEmpty)
        }
    }

    @Test("What it cannot do it says, with what to do next")
    func refusals() async throws {
        try await Workshop.with { shop in
            let none = try await shop.program.run("serve", "--listen", "127.0.0.1:0")
            #expect(none.code == 1 && none.errors.contains("strata events init"))
            for words in [
                ["--listen", "8080"], ["--requests-per-second", "0"], ["--longest-wait", "31"], ["--grace", "0"],
                ["--request-megabytes", "17"], ["--connections", "0"],
            ] {
                let result = try await shop.program.start(["serve"] + words).finish()
                #expect(result.code == 64, "\(words): \(result)")
            }
        }
        try await with { shop in
            let file = shop.folder.appending(path: "token")
            try Data("short\n".utf8).write(to: file)
            for path in [file.path, shop.folder.appending(path: "nowhere").path] {
                let result = try await shop.program.run("serve", "--operator-token-file", path)
                #expect(result.code == 1 && result.errors.contains("openssl rand -hex 32"), "\(result)")
                #expect(!result.errors.contains("short\n"))
            }
            let (program, address) = try await serve(shop)
            let port = try #require(address.split(separator: ":").last)
            let second = try await shop.program.run("serve", "--listen", "127.0.0.1:\(port)")
            #expect(second.code != 0 && !second.errors.isEmpty, "\(second)")
            program.signal(SIGTERM)
            _ = try await program.finish()
        }
    }

    @Test("S3.6 People are added with a password from standard input, log in, and lose their access")
    func people() async throws {
        try await with { shop in
            func user(_ words: String, input: String = "") async throws -> Program.Result {
                let line = "printf '%s' '\(input)' | exec '\(Program.path.path)' events user \(words)"
                return try await shop.program.start(
                    ["-c", line], executable: URL(filePath: "/bin/sh")
                ).finish()
            }
            let added = try await user("add Ann@shelter.example --role admin", input: "correct horse battery")
            #expect(added.code == 0 && added.output.hasPrefix("ann@shelter.example, admin of Shelter: "), "\(added)")
            #expect(try await user("add ann@shelter.example", input: "correct horse battery").code == 1)
            #expect(try await user("add bob@shelter.example", input: "short").errors.contains("12 to 200 characters"))
            #expect(try await user("add bob@shelter.example").errors.contains("no password on standard input"))
            let (program, address) = try await serve(shop)
            let login = #"{"email": "ann@shelter.example", "password": "correct horse battery"}"#
            #expect(try await ask("\(address)/v1/login", nil, login).status == 201)
            #expect(try await user("set ann@shelter.example --inactive").code == 0)
            #expect(try await ask("\(address)/v1/login", nil, login).status == 401)
            let list = try await user("list").output
            #expect(list.contains("ann@shelter.example  admin") && list.contains("inactive"))
            #expect(try await user("set eve@shelter.example").errors.contains("strata events user list"))
            program.signal(SIGTERM)
            _ = try await program.finish()
        }
    }

    @Test("An organisation that is switched off is refused, and served again when it is switched on")
    func organizations() async throws {
        try await with { shop in
            let key = try await key(shop)
            let (program, address) = try await serve(shop)
            func status() async throws -> Int { try await ask("\(address)/v1/streams", key).status }
            #expect(try await status() == 200)
            #expect(try await shop.program.run("events", "organization", "set", "Shelter", "--inactive").code == 0)
            #expect(try await status() == 401)
            #expect(try await shop.program.run("events", "organization", "set", "Shelter").code == 0)
            #expect(try await status() == 200)
            program.signal(SIGTERM)
            _ = try await program.finish()
        }
    }
}
