import Engine
import Planning
import PostgresDriver

/// One way of moving, there and back, in a database of its own with clients at work.
struct MoveRace {
    let server: BenchServer
    let layout: Layout
    let workload: Workload
    let options: Load.Options
    let readerHolds: Duration

    struct Phase {
        var felt: LoadReport.Phase
        /// Seconds from the start of the move to its end.
        var took: Double
    }

    struct Round {
        var forward: Phase
        var back: Phase
        var failures: [FailureSample]
    }

    /// Before the move, and after the last of move and reader has ended.
    private static let calm = Duration.milliseconds(500)

    func run(_ contender: MoveContender, in database: String) async throws -> Round {
        let connection = try await server.connect(database)
        let plan = try Pipeline.plan(layout, try await CatalogReader.read(connection))
        let load = try await Load.start(try server.settings(database), workload, options)
        try await Task.sleep(for: Self.calm)
        let there = try await phase("there", plan, load, database) { try await contender.move(plan, connection) }
        let back = try await phase("back", plan, load, database) { try await contender.moveBack(plan, connection) }
        await load.stop()
        await connection.close()
        let report = LoadReport(load.tally, connections: options.connections)
        guard let feltThere = report.phases.first(where: { $0.name == "there" }),
            let feltBack = report.phases.first(where: { $0.name == "back" })
        else { throw BenchFailure("phases are missing") }
        return Round(
            forward: Phase(felt: feltThere, took: there), back: Phase(felt: feltBack, took: back),
            failures: report.failures)
    }

    private func phase(
        _ name: String, _ plan: Plan, _ load: Load, _ database: String, _ move: () async throws -> Void
    ) async throws -> Double {
        let reader = try await LongReader.start(
            try server.settings(database), table: try middleTable(plan), for: readerHolds)
        load.tally.begin(name)
        let begun = ContinuousClock.now
        try await move()
        let took = (ContinuousClock.now - begun).inSeconds
        try await reader.ended()
        try await Task.sleep(for: Self.calm)
        load.tally.begin("after \(name)")
        return took
    }

    /// A table that moves neither first nor last.
    private func middleTable(_ plan: Plan) throws -> OID {
        let tables = plan.steps.filter { $0.kind == .moveTable }.compactMap { $0.locks.first?.oid }
        guard !tables.isEmpty else { throw BenchFailure("the layout moves no table") }
        return tables[tables.count / 2]
    }
}

/// A report that somebody runs at the wrong time: a transaction that has read a table and keeps its lock.
struct LongReader: Sendable {
    private let work: Task<Void, any Error>

    /// Returns when it holds the lock.
    static func start(_ settings: ConnectionSettings, table: OID, for time: Duration) async throws -> LongReader {
        let connection = try await Connection.open(try settings.settings(["application_name": "strata-bench reader"]))
        let name = try await connection.query("SELECT $1::oid::regclass::text AS name", [.oid(table)]).only().string(
            "name")
        try await connection.execute("BEGIN")
        try await connection.execute("SELECT count(*) FROM \(name)")
        return LongReader(
            work: Task {
                try await Task.sleep(for: time)
                try await connection.execute("COMMIT")
                await connection.close()
            })
    }

    func ended() async throws { try await work.value }
}
