import Engine
import Foundation
import Planning
import PostgresDriver
import TestSupport
import Testing

/// One of the two servers is killed or frozen while a schema is copied.
@Suite("Split: servers that fail")
struct SplitServerFaultTests {
    /// Each stage once for each server would take long, and what is frozen goes on by itself at most of them.
    static var cases: [(String, ServerFault)] {
        guard ServerFault.walksAll else { return some }
        return ["definitions", "rows", "copying", "indexes", "stream"].flatMap { stage in
            ServerFault.allCases.map { (stage, $0) }
        }
    }
    private static let some: [(String, ServerFault)] = [
        ("definitions", .targetKilled), ("rows", .sourceKilled), ("copying", .sourceKilled), ("copying", .targetKilled),
        ("copying", .targetFrozen), ("indexes", .targetKilled), ("stream", .sourceKilled), ("stream", .targetKilled),
        ("stream", .sourceFrozen),
    ]

    @Test(
        "S1.7 A server is killed (kill -9) or frozen at any stage of the copy: the next call goes on, and no row is lost or doubled",
        arguments: SplitServerFaultTests.cases)
    func fails(stage: String, fault: ServerFault) async throws {
        try await FaultServers.with { site, servers in
            let journal = try await FaultJournal.with(
                [0: { site.source }, 1: { site.source }], cleanUp: { await servers.thaw() }
            ) { journal in
                try await journal.more([0, 1])
                let move = try await move(site) { event in
                    let isIt =
                        switch event {
                        case .stage(let name): name == stage
                        case .copying(let progress): stage == "copying" && progress.tablesDone > 0
                        default: false
                        }
                    if isIt { servers.strike(fault) }
                }
                let outcome = try await servers.struck(fault) {
                    do { return "\(try await move.run().state)" } catch { return "\(error)" }
                } meanwhile: {
                    if fault.isOfTarget {
                        // The application does not need it.
                        try await journal.more([0, 1])
                    } else if fault.isFreeze {
                        try await Task.sleep(for: .seconds(2))
                    }
                }
                print("\(stage) \(fault): \(outcome)")
                try await site.finish("split", "billing")
                try await site.requireOneHome("main")
                try await site.finish("split", "diff", "billing")
                try await journal.more([0, 1])
                return journal
            }
            try await site.verify(journal)
        }
    }

    private func move(
        _ site: FaultSite, _ listener: @escaping @Sendable (SplitEvent) -> Void
    ) async throws -> SplitMove {
        let text = FaultSite.layout.replacing("${DATABASE_URL}", with: "postgresql:///main").replacing(
            "${BOOKS_URL}", with: "postgresql:///books")
        let layout = try Pipeline.decode(text, file: "strata.yaml", environment: [:]).0
        let connection = try await Connection.open(site.source)
        let plan = try await LivePlanner.plan(layout, on: connection).plan
        await connection.close()
        var options = SplitOptions()
        options.jobs = 2
        return SplitMove(
            try #require(plan.splits?.first), mainDatabase: "main", source: site.source, target: site.target,
            options: options, listener: listener)
    }
}
