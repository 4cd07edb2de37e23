import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Outbox

/// `strata events relay`: as a person runs it, and killed at any point.
@Suite struct EventsRelayCommandTests {
    private struct Place {
        let shop: Workshop
        let redis: RedisServer

        @discardableResult
        func run(
            _ words: String..., code: Int32 = 0, environment: [String: String] = [:],
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Program.Result {
            let result = try await shop.program.start(["events"] + words, environment: environment, timeout: 120)
                .finish(sourceLocation)
            #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
            #expect(
                !(result.output + result.errors).contains(redis.password), "\(words) shows the password of Redis",
                sourceLocation: sourceLocation)
            return result
        }

        func append(_ numbers: ClosedRange<Int>) async throws {
            let lines = numbers.map { "{\"type\": \"t\", \"key\": \"k\($0 % 3)\", \"payload\": \($0)}" }
            let url = shop.folder.appending(path: "\(UUID().uuidString).ndjson")
            try Data(lines.joined(separator: "\n").utf8).write(to: url)
            try await run("append", "animals", url.path)
        }

        func positions(_ key: String = "animals") async throws -> [Int] {
            let connection = try await RedisConnection.open(RedisURL(redis.url))
            let entries = try await connection.ask(["XRANGE", key, "-", "+"]).elements
            await connection.close()
            return entries.compactMap { $0.elements[0].text?.split(separator: "-").last.flatMap { Int($0) } }
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        let redis = try await RedisServer()
        defer { redis.remove() }
        try await Workshop.with { shop in
            let place = Place(shop: shop, redis: redis)
            try await place.run("init")
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            try await body(place)
        }
    }

    @Test("Once, twice, for machines; the group is listed")
    func walk() async throws {
        try await with { place in
            try await place.append(1...3)
            let first = try await place.run("relay", "animals", "--to", place.redis.url, "--key", "animals", "--once")
            #expect(first.output == "3 events sent; Redis has them up to 3.\n" && first.errors.isEmpty)
            try await place.append(4...5)
            let second = try await place.run(
                "relay", "animals", "--key", "animals", "--once", "--format", "json",
                environment: ["REDIS_URL": place.redis.url])
            let line = try object(second.output)
            #expect(line["events"] as? Int == 2 && line["position"] as? Int == 5 && line["lag"] as? Int == 0)
            #expect(line["lagSeconds"] as? Double == 0 && line["sentAgain"] as? Int == 0)
            #expect(try await place.positions() == [1, 2, 3, 4, 5])
            #expect(try await place.run("group", "list", "animals").output.contains("redis:animals"))
        }
    }

    @Test("Killed with -9 again and again, it goes on each time: nothing is lost, nothing comes twice")
    func killed() async throws {
        try await with { place in
            try await place.append(1...10_000)
            for round in 1...5 {
                let running = try place.shop.program.start(
                    [
                        "events", "relay", "animals", "--to", place.redis.url, "--key", "animals", "--member", "r",
                    ])
                try await eventually("it has sent more") {
                    try await place.positions().last ?? 0 >= min(10_000, round * 1_500)
                }
                running.signal(SIGKILL)
                #expect(try await running.finish().wasKilled)
            }
            try await place.run(
                "relay", "animals", "--to", place.redis.url, "--key", "animals", "--member", "r", "--once")
            #expect(try await place.positions() == Array(1...10_000))
            #expect(try await place.run("group", "list", "animals").output.contains("10000    0"))
        }
    }

    @Test("It ends when it is told to, with 0; another one takes its place")
    func ends() async throws {
        try await with { place in
            let words = ["events", "relay", "animals", "--to", place.redis.url, "--key", "animals"]
            let first = try place.shop.program.start(words + ["--format", "json"])
            try await eventually("it runs") { first.errorsSoFar.contains("Relaying animals to animals at redis://") }
            try await place.append(1...10)
            try await eventually("Redis has them") { try await place.positions().count == 10 }
            let second = try place.shop.program.start(words)
            try await eventually("it waits") { second.errorsSoFar.contains("another relay is at work") }
            first.signal(SIGTERM)
            let ended = try await first.finish()
            #expect(ended.code == 0, "\(ended)")
            let last = try #require(ended.output.split(separator: "\n").last)
            #expect(try object(String(last))["position"] as? Int == 10)
            try await place.append(11...20)
            try await eventually("Redis has those, too") {
                try await place.run("group", "list", "animals").output.contains("20    0      1")
            }
            #expect(try await place.positions() == Array(1...20))
            second.signal(SIGINT)
            let other = try await second.finish()
            #expect(other.code == 0 && other.output.hasPrefix("10 events sent; Redis has them up to 20"), "\(other)")
        }
    }

    @Test("What it cannot do it says, before anything is sent")
    func refused() async throws {
        try await with { place in
            try await place.append(1...3)
            func refused(_ words: String..., code: Int32, says: String...) async throws {
                let result = try await place.shop.program.start(["events", "relay", "animals"] + words).finish()
                let text = result.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                #expect(result.code == code, "\(words): \(result)")
                for word in says { #expect(text.contains(word), "\(words): \(text)") }
                #expect(!text.contains("secret") && !text.contains(place.redis.password))
            }
            let (url, closed) = (place.redis.url, try FakeServer.freePort())
            try await refused("--key", "k", code: 64, says: "--to", "REDIS_URL")
            try await refused("--key", "k", "--to", "rediss://:secret@h", code: 64, says: "TLS", "stunnel")
            try await refused("--key", "k", "--to", "http://:secret@h", code: 64, says: "redis://")
            try await refused(
                "--key", String(repeating: "k", count: 195), "--to", url, code: 64, says: "name one, --group")
            try await refused("--key", "", "--to", url, code: 64, says: "512 bytes")
            try await refused("--key", "k", "--to", url, "--maxlen", "0", code: 64, says: "1 or more")
            try await refused("--key", "k", "--to", url, "--lease", "1ms", code: 64, says: "1s to 1h")
            try await refused("--key", "k", "--to", url, "--after", "4", code: 1, says: "ends at 3")
            try await refused(
                "--key", "k", "--to", "redis://:secret@127.0.0.1:\(closed)", code: 1,
                says: "redis://127.0.0.1:\(closed): Connection refused", "check that it runs")
            try await refused(
                "--key", "k", "--to", "redis://:secret@127.0.0.1:\(place.redis.port)", code: 1, says: "WRONGPASS")
            try await place.run("group", "add", "animals", "many")
            try await refused("--key", "k", "--to", url, "--group", "many", code: 1, says: "16 slots")
            let connection = try await RedisConnection.open(RedisURL(url))
            _ = try await connection.ask(["SET", "taken", "x"])
            await connection.close()
            try await refused("--key", "taken", "--to", url, code: 1, says: "no stream", "another --key")
            #expect(try await place.positions("k").isEmpty)
        }
    }
}
