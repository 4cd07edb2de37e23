import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata events`: the walk of its help, and what it refuses.
@Suite struct EventsCommandTests {
    private struct Place {
        let shop: Workshop

        @discardableResult
        func run(
            _ words: String..., code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Program.Result {
            let result = try await shop.program.start(["events"] + words, timeout: 60).finish(sourceLocation)
            #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
            return result
        }

        func file(_ name: String, _ text: String) throws -> String {
            let url = shop.folder.appending(path: name)
            try Data(text.utf8).write(to: url)
            return url.path
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        try await Workshop.with { try await body(Place(shop: $0)) }
    }

    @Test("From nothing to a stream that is read: init, organization, stream, append, read")
    func walk() async throws {
        try await with { place in
            let missing = try await place.run("stream", "list", code: 1)
            #expect(missing.errors.contains("strata events init"))
            let made = try await place.run("init", "--schema", "my events")
            #expect(made.output.contains("The event store is in schema my events, version 1, partitions by month"))
            try await place.run("init")
            let other = try await place.run("init", "--every", "day", code: 1)
            #expect(other.errors.contains("partitions by month"))
            #expect(
                try await place.run("stream", "add", "animals", code: 1).errors.contains(
                    "strata events organization add"))
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            let lines = try place.file(
                "a.ndjson",
                """
                {"type": "registered", "key": "rex", "payload": {"name": "Rex", "weight": 31.50}}

                {"type":"adopted","key":"rex","payload":null,"metadata":{"by":"Ann"}}
                """)
            #expect(
                try await place.run("append", "animals", lines, "--expected", "0").output
                    == "Appended: animals 1 to 2\n")
            let conflict = try await place.run("append", "animals", lines, "--expected", "0", code: 1)
            #expect(conflict.errors.contains("version is 2") && conflict.errors.contains("expect 2"))
            for _ in 0..<2 { try await place.run("append", "animals", lines, "--idempotency-key", "k") }
            let read = try await place.run("read", "animals", "--after", "1", "--limit", "1")
            #expect(
                read.output.contains("2  ") && read.output.contains("adopted  rex")
                    && read.output.contains(#"{"by": "Ann"}"#))
            #expect(read.errors.contains("2 more: --after 2"))
            let all = try await place.run("read", "animals", "--all", "--format", "json").output.split(separator: "\n")
            #expect(all.count == 4 && all[0].contains(#""payload":{"name": "Rex", "weight": 31.50}"#))
            for line in all { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
            #expect(try await place.run("stream").output.contains("animals"))
        }
    }

    @Test(
        "Lines that are no events are named, and nothing is appended",
        arguments: [
            ("{", "line 2"), ("[]", "line 2"), (#"{"type": "t"}"#, "payload is missing"),
            (#"{"payload": 1}"#, "type is missing"),
            (#"{"type": "t", "payload": 1, "when": 1}"#, "\"when\" is unknown"),
            (#"{"type": "t", "payload": "\u0000"}"#, "line 2"),
            (#"{"type": "", "payload": 1}"#, "1 to 200 bytes"),
            (#"{"type": "t", "payload": 1, "metadata": []}"#, "object"),
        ])
    func badLines(_ line: String, _ message: String) async throws {
        try await with { place in
            try await place.run("init")
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            let file = try place.file("a.ndjson", #"{"type": "t", "payload": 1}"# + "\n" + line + "\n")
            let refused = try await place.run("append", "animals", file, code: 1)
            let words = refused.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("line 2") && words.contains(message), "\(words)")
            #expect(try await place.run("read", "animals").output.contains("the stream ends at 0"))
        }
    }

    @Test("Schemas: a payload that does not fit, a version that does not follow")
    func schemas() async throws {
        try await with { place in
            try await place.run("init")
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            let first = try place.file(
                "1.json", #"{"type": "object", "properties": {"name": {"type": "string"}}, "requried": ["name"]}"#)
            let set = try await place.run("stream", "schema", "animals", first, "--compatibility", "backward")
            #expect(set.errors.contains("version 1 (backward)") && set.errors.contains("requried"))
            let bad = try place.file("bad.ndjson", #"{"type": "t", "payload": {"name": 5}}"#)
            let refused = try await place.run("append", "animals", bad, code: 1)
            #expect(refused.errors.contains("/name") && refused.errors.contains("nothing was appended"))
            let narrow = try place.file(
                "2.json", #"{"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}"#)
            #expect(try await place.run("stream", "schema", "animals", narrow, code: 1).errors.contains("/name"))
            #expect(try await place.run("stream", "schema", "animals").output.contains("properties"))
        }
    }

    @Test("Keys are shown once; groups seek; dead letters are listed, redriven and discarded")
    func others() async throws {
        try await with { place in
            try await place.run("init")
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            let secret = try await place.run("key", "add", "ingest", "--scope", "append", "--expires", "90d").output
                .trimmingCharacters(in: .newlines)
            #expect(secret.hasPrefix("evk_"))
            let prefix = String(secret.prefix(12))
            let listed = try await place.run("key")
            #expect(
                listed.output.contains(prefix) && listed.output.contains("until ") && !listed.output.contains(secret))
            try await place.run("key", "revoke", prefix)
            #expect(try await place.run("key").output.contains("revoked"))
            try await place.run("group", "add", "animals", "mailer", "--slots", "1")
            #expect(try await place.run("group", "add", "animals", "mailer", code: 1).errors.contains("already"))
            try await place.run("append", "animals", try place.file("a", #"{"type": "t", "payload": 1}"#))
            #expect(try await place.run("group", "list", "animals").output.contains("mailer"))
            try await place.run("group", "seek", "animals", "mailer", "end")
            #expect(
                try await place.run("group", "seek", "animals", "mailer", "7", code: 1).errors.contains("ends at 1"))
            #expect(try await place.run("group", "seek", "animals", "mailer", "soon", code: 64).errors.contains("soon"))
            try await place.shop.database.execute(
                """
                INSERT INTO events.dead_letter_events (event_id, reason, payload, org_id, group_id, stream_id, position, type, metadata, attempts)
                SELECT e.id, 'no such dog', e.payload, e.org_id, g.id, e.stream_id, e.position, e.type, e.metadata, 5
                FROM events.events e, events.consumer_groups g
                """)
            #expect(try await place.run("dead", "list", "animals", "mailer").output.contains("no such dog (5 attempts"))
            #expect(try await place.run("dead", "redrive", "animals", "mailer", code: 64).errors.contains("--all"))
            #expect(
                try await place.run("dead", "redrive", "animals", "mailer", "--all").errors.contains("1 dead letters"))
            #expect(
                try await place.run("dead", "discard", "animals", "mailer", "--all").errors.contains("1 dead letters"))
            #expect(try await place.run("dead", "list", "animals", "mailer").output == "No dead letters of mailer.\n")
        }
    }
}
