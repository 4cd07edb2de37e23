import EventStore
import Foundation
import JSONSchemas
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import Service

/// The lag of groups in the metrics: what it says, to whom, and what becomes of it without a database.
@Suite("Service: metrics of groups", .timeLimit(.minutes(5)))
struct GroupMetricsTests {
    private func with(_ body: (ServiceFixture) async throws -> Void) async throws {
        try await ServiceFixture.with { fixture in
            let api = fixture.api
            try await api.post("/v1/streams", #"{"name": "ani\"mals"}"#, expect: 201)
            let path = "/v1/streams/ani%22mals"
            let event = #"{"type": "a", "payload": 1}"#
            try await api.post("\(path)/events", "[\(event), \(event), \(event)]", expect: 201)
            try await api.post("\(path)/groups", #"{"name": "mailer", "slots": 1, "max_attempts": 1}"#, expect: 201)
            try await api.post("\(path)/groups", #"{"name": "idle", "slots": 4}"#, expect: 201)
            let first = try await api.post("\(path)/groups/mailer/poll", #"{"member": "m"}"#, expect: 200)
            guard case .number(let epoch) = first.array("slots").first?["epoch"] else {
                throw APIFailure("no slot: \(first)")
            }
            try await api.post(
                "\(path)/groups/mailer/fail",
                #"{"member": "m", "slot": 0, "epoch": \#(epoch.text), "from": 0, "position": 1, "reason": "r"}"#,
                expect: 200)
            try await body(fixture)
        }
    }

    private func lines(_ text: String, _ name: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("strata_events_\(name)") }
    }

    @Test("Lag, age, leases and dead letters of each group, to the operator's token alone")
    func figures() async throws {
        try await with { fixture in
            let connection = try await fixture.database.connect()
            try await connection.execute("UPDATE events.dead_letter_events SET status = 'resolved'")
            await connection.close()
            let text = try await fixture.client(ServiceFixture.operatorToken).get("/metrics").text
            let labels =
                #"{organization="\#(fixture.organization.text)",organization_name="one",stream="ani\"mals",group="#
            #expect(text.contains("strata_events_groups_known 1\n"))
            #expect(
                lines(text, "group_lag") == [
                    "strata_events_group_lag\(labels)\"idle\"} 3", "strata_events_group_lag\(labels)\"mailer\"} 2",
                ])
            #expect(text.contains("strata_events_group_leases\(labels)\"mailer\"} 1\n"))
            #expect(text.contains("strata_events_group_leases\(labels)\"idle\"} 0\n"))
            #expect(text.contains("strata_events_group_dead_letters\(labels)\"mailer\",status=\"resolved\"} 1\n"))
            #expect(text.contains("strata_events_group_dead_letters\(labels)\"mailer\",status=\"dead\"} 0\n"))
            #expect(text.contains("strata_events_groups_left_out 0\n"))
            // What everybody may see goes on beside it.
            #expect(text.contains("strata_events_appended_total 3\n"))
            for key in [nil, fixture.key, "0123456789012345678901234567890123456789"] {
                let other = try await fixture.client(key).get("/metrics")
                #expect(other.status == (key == nil ? 200 : 401))
                #expect(!other.text.contains("mailer") && !other.text.contains("group_lag"))
            }
        }
    }

    @Test("The age is that of the first event that is not done; none where nothing is left or the stream is out of use")
    func ages() async throws {
        try await with { fixture in
            let figures = try await fixture.directory.groupFigures(most: 10, limit: .seconds(30))
            #expect(figures.groups.map(\.name) == ["idle", "mailer"] && figures.leftOut == 0)
            let connection = try await fixture.database.connect()
            let age = try await connection.query(
                "SELECT (extract(epoch FROM events.now() - min(created_at)) * 1000)::bigint AS age FROM events.events"
            ).only().int("age")
            #expect(figures.groups.allSatisfy { $0.oldest <= .milliseconds(age) && $0.oldest >= .zero })
            let path = "/v1/streams/ani%22mals"
            try await fixture.api.post("\(path)/groups/idle/seek", #"{"to": "end"}"#, expect: 200)
            let after = try await fixture.directory.groupFigures(most: 10, limit: .seconds(30)).groups
            #expect(after.map(\.name) == ["mailer", "idle"])
            #expect(after.last.map { $0.lag == 0 && $0.oldest == .zero } == true)
            #expect(try await fixture.api.send("PATCH", path, #"{"is_active": false}"#).status == 204)
            #expect(try await fixture.directory.groupFigures(most: 10, limit: .seconds(30)).groups.isEmpty)
            await connection.close()
        }
    }

    @Test("Beyond the bound groups are counted, with the sum of their lags; those furthest behind are shown")
    func bound() async throws {
        try await with { fixture in
            let path = "/v1/streams/ani%22mals/groups"
            for number in 0..<3 { try await fixture.api.post(path, #"{"name": "g\#(number)"}"#, expect: 201) }
            try await fixture.api.post("\(path)/g1/seek", #"{"after": 1}"#, expect: 200)
            let figures = try await fixture.directory.groupFigures(most: 3, limit: .seconds(30))
            #expect(Set(figures.groups.map(\.name)) == ["idle", "g0", "g2"])
            #expect(figures.leftOut == 2 && figures.leftOutLag == 4)
        }
    }

    @Test("Without a database the page comes all the same, and says that groups are not known")
    func unreachable() async throws {
        let nowhere = try ConnectionSettings("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
        try await ServiceFixture.running(nowhere) { (base, _) async throws in
            let api = APIClient(base: base, key: ServiceFixture.operatorToken, contract: nil)
            let answer = try await api.get("/metrics")
            #expect(answer.status == 200 && answer.text.contains("strata_events_groups_known 0\n"))
            #expect(!answer.text.contains("group_lag") && answer.text.contains("strata_events_appended_total 0\n"))
        }
    }

    @Test("A database that does not answer is not waited for: the page comes, and the next one has the figures again")
    func held() async throws {
        try await with { fixture in
            let connection = try await fixture.database.connect()
            try await connection.execute("BEGIN; LOCK TABLE events.consumer_groups")
            let asker = fixture.client(ServiceFixture.operatorToken)
            let without = try await asker.get("/metrics")
            #expect(without.status == 200 && without.text.contains("strata_events_groups_known 0\n"))
            try await connection.execute("COMMIT")
            await connection.close()
            while try await !asker.get("/metrics").text.contains("strata_events_groups_known 1\n") {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    @Test("Many who ask share one reading; one that hangs is not waited for; a failure is kept as long as an answer")
    func gauge() async throws {
        let count = Mutex(0)
        let gate = AsyncStream.makeStream(of: Void.self)
        let shared = GroupGauge(keep: .seconds(3_600), patience: .seconds(60)) {
            count.withLock { $0 += 1 }
            for await _ in gate.stream { break }
            return GroupFigures(groups: [], leftOut: 7)
        }
        let answers = try await withThrowingTaskGroup(of: GroupFigures?.self) { group in
            for _ in 0..<20 { group.addTask { await shared.figures() } }
            while count.withLock({ $0 }) == 0 { await Task.yield() }
            gate.continuation.yield()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.map { $0?.leftOut } == Array(repeating: 7, count: 20) && count.withLock { $0 } == 1)
        #expect(await shared.figures()?.leftOut == 7 && count.withLock { $0 } == 1)

        let endless = AsyncStream.makeStream(of: Void.self)
        let hanging = GroupGauge(keep: .zero, patience: .milliseconds(20)) {
            for await _ in endless.stream { break }
            return GroupFigures(groups: [])
        }
        for _ in 0..<2 { #expect(await hanging.figures() == nil) }
        endless.continuation.finish()

        let failures = Mutex(0)
        let failing = GroupGauge(keep: .seconds(3_600), patience: .seconds(60)) {
            failures.withLock { $0 += 1 }
            throw CancellationError()
        }
        for _ in 0..<2 { #expect(await failing.figures() == nil) }
        #expect(failures.withLock { $0 } == 1)
    }
}
