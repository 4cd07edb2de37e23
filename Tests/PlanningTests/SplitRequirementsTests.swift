import Planning
import Testing

/// What the two servers of a split must have.
@Suite("Split: requirements")
struct SplitRequirementsTests {
    /// A server that lacks nothing.
    private func server(_ name: String, _ change: (inout SplitServer) -> Void = { _ in }) -> SplitServer {
        var server = SplitServer()
        server.name = name
        server.database = name
        server.version = 150_018
        server.databaseOID = name == "main" ? 16_384 : 16_390
        server.systemIdentifier = "7"
        server.encoding = "UTF8"
        server.collation = "C.UTF-8"
        server.user = "strata"
        (server.mayReplicate, server.mayCreateRoles, server.mayCreateSchemas, server.maySubscribe) = (
            true, true, true, true
        )
        server.walLevel = "logical"
        server.slots = .init(limit: 10)
        server.senders = .init(limit: 10)
        server.workers = .init(limit: 4)
        server.roles = ["app"]
        server.availableExtensions = ["citext"]
        change(&server)
        return server
    }

    private func report() -> SplitReport {
        var report = SplitReport(schema: "billing", database: "books")
        report.tables = [.init(name: "billing.invoices", rows: 10, bytes: 8 << 20, identity: "primary key")]
        report.needs = [.init(.role, "app"), .init(.extension, "citext"), .init(.type, "public.mood")]
        return report
    }

    private func found(
        source: (inout SplitServer) -> Void = { _ in }, target: (inout SplitServer) -> Void = { _ in }
    ) -> [String] {
        SplitRequirements.check(report(), source: server("main", source), target: server("books", target))
            .map { "\($0.isBlocking ? "!" : "·") \($0.database): \($0.message)" }
    }

    @Test("Two servers that have everything lack nothing")
    func nothing() { #expect(found() == []) }

    @Test("What the source lacks")
    func source() {
        #expect(found(source: { $0.walLevel = "minimal" }) == ["! main: wal_level is minimal: the copy needs logical"])
        #expect(
            found(source: { $0.slots = .init(limit: 2, used: 2) }) == [
                "! main: max_replication_slots is 2 and 2 are in use: the copy needs one"
            ])
        #expect(
            found(source: { $0.senders = .init(limit: 0, used: 0) }) == [
                "! main: max_wal_senders is 0 and 0 are in use: the copy needs one"
            ])
        #expect(found(source: { $0.mayReplicate = false }) == ["! main: role strata may not replicate"])
        #expect(
            found(source: { $0.keptWAL = 64 << 20 }) == [
                "· main: max_slot_wal_keep_size is 64 MB: a copy or a way back that falls behind further is lost"
            ])
        #expect(
            found(source: { $0.sessions = ["app at 10.0.0.1 (web)": 3, "eve at a local socket": 1] }) == [
                "· main: connected now: app at 10.0.0.1 (web) × 3, eve at a local socket"
            ])
        #expect(
            found(source: {
                $0.sessions = ["eve at a local socket": 1]
                $0.proxied = 12
            }) == ["· main: connected past the proxy (which has 12 sessions): eve at a local socket"])
    }

    @Test("Each server has to reach the other, and be let in")
    func reaching() {
        func rules(_ rules: AccessRule...) -> (inout SplitServer) -> Void {
            {
                $0.accessRules = rules
                $0.address = IPAddress("10.0.0.1")
            }
        }
        func target(_ server: inout SplitServer) { server.address = IPAddress("10.0.0.2") }
        let all = AccessRule(
            line: 9, type: "host", databases: ["all"], users: ["all"], address: "0.0.0.0", netmask: "0.0.0.0",
            method: "scram-sha-256")
        var near = all
        (near.line, near.address, near.netmask) = (3, "10.0.0.0", "255.255.255.0")
        var none = near
        none.method = "reject"
        var others = near
        others.users = ["app", "replication"]
        var members = near
        members.users = ["+staff"]
        members.method = "reject"
        var six = all
        (six.address, six.netmask) = ("::", "::")
        var tls = none
        tls.type = "hostssl"
        #expect(found(source: rules(all), target: target) == [])
        #expect(found(source: rules(near, none), target: target) == [])
        // Whether it is a member, or comes with TLS, cannot be told from here.
        #expect(found(source: rules(members), target: target) == [])
        #expect(found(source: rules(tls), target: target) == [])
        #expect(
            found(source: rules(none, all), target: target) == [
                "· main: line 3 of its pg_hba.conf refuses user strata from 10.0.0.2, where the server of database books is: the copy connects from there"
            ])
        let unmentioned =
            "· main: no line of its pg_hba.conf admits user strata from 10.0.0.2, where the server of database books is: the copy connects from there"
        #expect(found(source: rules(), target: target) == [unmentioned])
        #expect(found(source: rules(others, six), target: target) == [unmentioned])
        #expect(
            found(source: { $0.isReachedLocally = true }) == [
                "! main: its URL leads to this machine, and the copy connects to it from the server of database books, which is on another one"
            ])
        #expect(
            found(target: { $0.isReachedLocally = true }) == [
                "! books: its URL leads to this machine, and the way back connects to it from the server of database main, which is on another one"
            ])
    }

    @Test("A disk that has no room for the copy stands in the way")
    func disk() {
        #expect(
            found(target: { $0.freeBytes = 1 << 20 }) == [
                "! books: its disk has 1,024 kB free, and the copy needs about 8,192 kB"
            ])
        #expect(found(target: { $0.freeBytes = 1 << 50 }) == [])
    }

    @Test("What the target lacks, for the copy and for the way back")
    func target() {
        #expect(found(target: { $0.isInRecovery = true }) == ["! books: it is a standby"])
        #expect(
            found(target: { $0.walLevel = "replica" }) == ["! books: wal_level is replica: the way back needs logical"])
        #expect(
            found(target: { $0.workers = .init(limit: 4, used: 3) }) == [
                "! books: max_logical_replication_workers is 4 and 3 are in use: the copy needs two at least"
            ])
        #expect(found(target: { $0.maySubscribe = false }) == ["! books: role strata may not create subscriptions"])
        #expect(found(target: { $0.mayCreateSchemas = false }) == ["! books: role strata may not create schemas"])
        #expect(
            found(target: { $0.objectsBySchema = ["billing": 2, "other": 9] }) == [
                "! books: schema billing is there already, with 2 objects"
            ])
        #expect(found(target: { $0.roles = [] }) == ["· books: it has no role app"])
        #expect(
            found(target: {
                $0.roles = []
                $0.mayCreateRoles = false
            }) == ["! books: it has no role app"])
        #expect(
            found(target: { $0.availableExtensions = [] }) == [
                "! books: extension citext is not installed on its server"
            ])
    }

    @Test("Servers that differ; and one database under two names")
    func differences() {
        #expect(
            found(target: { $0.version = 140_009 }) == [
                "· books: PostgreSQL 14 is older than 15: what 15 has added is not there"
            ])
        #expect(
            found(target: { $0.encoding = "LATIN1" }) == [
                "! books: its encoding is LATIN1, that of database main UTF8"
            ])
        #expect(
            found(target: { $0.collation = "de_DE.UTF-8" }) == [
                "· books: it sorts by de_DE.UTF-8, database main by C.UTF-8: the order of texts changes"
            ])
        #expect(
            found(target: { $0.databaseOID = 16_384 }) == [
                "! books: it is database main itself: both lead to \"books\" of one server"
            ])
    }
}
