import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata events subject`, as a person runs it.
@Suite struct EventsSubjectCommandTests {
    private static let key = Data(repeating: 9, count: 32).base64EncodedString()
    private static let next = Data(repeating: 8, count: 32).base64EncodedString()

    private struct Place {
        let shop: Workshop

        @discardableResult
        func run(
            _ words: String..., code: Int32 = 0,
            key: [String: String] = ["STRATA_MASTER_KEY": EventsSubjectCommandTests.key],
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Program.Result {
            let result = try await shop.program.start(["events"] + words, environment: key).finish(sourceLocation)
            #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
            for secret in key.values {
                #expect(
                    !result.output.contains(secret) && !result.errors.contains(secret), "it shows the key",
                    sourceLocation: sourceLocation)
            }
            return result
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        try await Workshop.with { shop in
            let place = Place(shop: shop)
            try await place.run("init")
            try await place.run("organization", "add", "Shelter")
            try await place.run("stream", "add", "animals")
            let line =
                #"{"type": "adopted", "key": "rex", "payload": {"owner": {"id": "4711", "name": "Ann"}, "fee": 5}}"#
            try Data((line + "\n").utf8).write(to: shop.folder.appending(path: "a"))
            try await body(place)
        }
    }

    @Test("A subject is protected, read, exported and forgotten; the read models to rebuild are named")
    func walk() async throws {
        try await with { place in
            #expect(try await place.run("subject", "protect", "animals").output.contains("Nothing of animals"))
            let declared = try await place.run(
                "subject", "protect", "animals", "--member", "/owner/name", "--by", "/payload/owner/id", "--tombstone",
                #""(forgotten)""#)
            #expect(declared.output.contains("/owner/name") && declared.output.contains("/payload/owner/id"))
            try await place.run("append", "animals", "a", "--idempotency-key", "k")
            #expect(try await place.run("append", "animals", "a", "--idempotency-key", "k").output.contains("before"))
            #expect(try await place.run("read", "animals").output.contains(#""name":"Ann""#))
            #expect(try await place.run("read", "animals", "--as-stored").output.contains("strata:encrypted"))
            try await place.run("export", "animals", "--output", "stored.jsonl")
            try await place.run("export", "animals", "--output", "clear.jsonl", "--decrypt")
            let text = try ["stored", "clear"].map {
                try String(contentsOf: place.shop.folder.appending(path: "\($0).jsonl"), encoding: .utf8)
            }
            #expect(!text[0].contains("Ann") && text[1].contains("Ann"))
            #expect(try await place.run("subject", "list").output.contains("4711     key since"))
            try await place.run("group", "add", "animals", "projection:adoptions")
            try await place.run("group", "add", "animals", "mailer")
            let asked = try await place.run("subject", "forget", "4711", "--reason", "r", code: 1)
            #expect(asked.errors.contains("--yes") && asked.errors.contains("nothing was forgotten"))
            #expect(
                try await place.run("subject", "forget", "1", "--reason", "r", "--yes", code: 1).errors.contains(
                    "no subject 1"))
            let done = try await place.run("subject", "forget", "4711", "--reason", "on request", "--yes")
            #expect(done.output == "Subject 4711 is forgotten.\n")
            #expect(
                done.errors.contains("strata project rebuild adoptions") && done.errors.contains("mailer of animals"))
            #expect(
                try await place.run("subject", "forget", "4711", "--reason", "r", "--yes").output.contains(
                    "was forgotten on"))
            #expect(try await place.run("read", "animals").output.contains(#""name":"(forgotten)""#))
            #expect(try await place.run("subject", "list", "4711").output.contains("on request"))
            let refused = try await place.run("append", "animals", "a", code: 1)
            #expect(refused.errors.contains("4711 was forgotten") && refused.errors.contains("readmit"))
            try await place.run("subject", "readmit", "4711")
            try await place.run("append", "animals", "a")
            try await place.run("subject", "protect", "animals", "--none")
            #expect(try await place.run("subject", "protect", "animals").output.contains("Nothing of animals"))
            // What was encrypted before still is.
            let later = try object(
                await place.run("subject", "forget", "4711", "--reason", "r", "--yes", "--format", "json").output)
            #expect(later["hadKey"] as? Bool == true)
            #expect(later["projectionsToRebuild"] as? [String] == ["adoptions"])
        }
    }

    @Test("Without the master key, or with one that is none, errors say so; another one takes over by rewrap")
    func masters() async throws {
        try await with { place in
            let members = ["subject", "protect", "animals", "--member", "/owner/name", "--by", "/payload/owner/id"]
            for (key, says) in [
                ([:], "STRATA_MASTER_KEY"), (["STRATA_MASTER_KEY": "not a key"], "32 bytes"),
                (["STRATA_MASTER_KEY_FILE": "nowhere"], "cannot read nowhere"),
            ] as [([String: String], String)] {
                let refused = try await place.shop.program.start(["events"] + members, environment: key).finish()
                #expect(refused.code == 1 && refused.errors.contains(says), "\(refused)")
            }
            #expect(
                try await place.shop.program.start(["events"] + members, environment: ["STRATA_MASTER_KEY": Self.key])
                    .finish().code == 0)
            #expect(
                try await place.run("append", "animals", "a", code: 1, key: [:]).errors.contains("STRATA_MASTER_KEY"))
            try await place.run("append", "animals", "a")
            #expect(
                try await place.run("read", "animals", code: 1, key: [:]).errors.contains(
                    "encrypted for their subjects"))
            try await place.run("read", "animals", "--as-stored", key: [:])
            let both = ["STRATA_MASTER_KEY": Self.next, "STRATA_MASTER_KEY_PREVIOUS": Self.key]
            #expect(try await place.run("read", "animals", key: both).output.contains("Ann"))
            #expect(try await place.run("subject", "rewrap", key: both).output == "1 keys are wrapped anew.\n")
            #expect(
                try await place.run("read", "animals", key: ["STRATA_MASTER_KEY": Self.next]).output.contains("Ann"))
            let old = try await place.run("read", "animals", code: 1)
            #expect(old.errors.contains("is wrapped by master key"))
        }
    }

    @Test("A store of an earlier version says so, and init brings it up to date")
    func earlier() async throws {
        try await with { place in
            try await place.shop.database.execute(
                "DROP TABLE events.stream_protections, events.subject_keys, events.subject_erasures, events.retention, events.archived_partitions, events.store_identity"
            )
            for words in [["append", "animals", "a"], ["archive", "--to", "archive"], ["subject", "list"]] {
                let refused = try await place.shop.program.start(["events"] + words).finish()
                #expect(refused.code == 1 && refused.errors.contains("strata events init"), "\(words): \(refused)")
            }
            try await place.run("init")
            try await place.run("append", "animals", "a")
            try await place.run("archive", "--to", "archive")
        }
    }

    @Test(
        "What cannot be declared is refused",
        arguments: [
            (["--member", "owner"], "JSON pointer"), (["--member", "/a", "--by", "owner"], "/payload"),
            (["--member", "/a", "--member", "/a/b"], "within each other"),
            (["--member", "/a", "--tombstone", "{"], "no JSON"), (["--none", "--member", "/a"], "--none"),
        ])
    func usage(_ words: [String], _ says: String) async throws {
        try await Workshop.withFolder { program in
            let refused = try await program.start(["events", "subject", "protect", "animals"] + words).finish()
            let text = refused.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(refused.code == 64 && text.contains(says), "\(refused)")
        }
    }
}
