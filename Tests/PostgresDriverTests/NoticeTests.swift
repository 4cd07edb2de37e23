import PostgresDriver
import Synchronization
import Testing

@Suite struct NoticeTests {
    @Test func handlerSeesThem() async throws {
        let seen = Seen()
        let connection = try await Connection.open(serverSettings(), onNotice: { seen.add($0) })
        try await connection.execute(
            "DO $$ BEGIN RAISE WARNING 'careful' USING DETAIL = 'd', HINT = 'h', ERRCODE = '01P01'; END $$")
        #expect(
            seen.all.map(\.description) == ["WARNING: careful\nDETAIL: d\nHINT: h"])
        #expect(seen.all.first?.sqlState == "01P01")
        #expect(connection.lastNotices.count == 1)
        connection.onNotice(nil)
        try await connection.execute("DROP TABLE IF EXISTS no_such_table")
        #expect(seen.all.count == 1)
        #expect(connection.takeNotices().map(\.severity) == ["WARNING", "NOTICE"])
        #expect(connection.lastNotices.isEmpty)
        await connection.close()
    }

    @Test func onlyTheLastAreKept() async throws {
        let connection = try await Connection.open(serverSettings())
        try await connection.execute("DO $$ BEGIN FOR i IN 1..250 LOOP RAISE NOTICE 'n%', i; END LOOP; END $$")
        #expect(connection.lastNotices.count == 100)
        #expect(connection.lastNotices.first?.message == "n151")
        #expect(connection.lastNotices.last?.message == "n250")
        await connection.close()
    }
}

@Suite struct NotificationTests {
    @Test func theyArriveInOrder() async throws {
        try await withDatabase { settings in
            let listener = try await Connection.open(settings)
            let sender = try await Connection.open(settings)
            try await listener.execute("LISTEN strata_channel")
            let waiting = Task { try await listener.waitForNotification(timeout: .seconds(60)) }
            _ = try await sender.query("SELECT pg_notify('strata_channel', $1)", ["it's 1"])
            try await sender.execute("NOTIFY strata_channel; NOTIFY other_channel")
            let first = try unwrap(await waiting.value, "a notification")
            #expect(first.channel == "strata_channel")
            #expect(first.payload == "it's 1")
            #expect(first.senderPID == sender.backendPID)
            let second = try unwrap(await listener.waitForNotification(timeout: .seconds(60)), "another")
            #expect(second.payload.isEmpty)
            #expect(try await listener.waitForNotification(timeout: .milliseconds(1)) == nil)
            #expect(try await listener.query("SELECT 1").only().int(0) == 1)
            await listener.close()
            await sender.close()
        }
    }

    @Test func waitingCanBeCancelled() async throws {
        let connection = try await Connection.open(serverSettings())
        let task = Task { try await connection.waitForNotification(timeout: .seconds(3600)) }
        // Whether it waits already or not makes no difference for the outcome.
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await expectUsable(connection)
        await connection.close()
    }

    @Test func aLostConnectionEndsTheWait() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        let task = Task { try await connection.waitForNotification(timeout: .seconds(3600)) }
        try await observer.execute("SELECT pg_terminate_backend(\(connection.backendPID))")
        #expect(try await postgresError { _ = try await task.value }.isConnectionLost)
        await observer.close()
    }
}

private final class Seen: Sendable {
    private let notices = Mutex<[ServerNotice]>([])
    var all: [ServerNotice] { notices.withLock { $0 } }
    func add(_ notice: ServerNotice) { notices.withLock { $0.append(notice) } }
}
