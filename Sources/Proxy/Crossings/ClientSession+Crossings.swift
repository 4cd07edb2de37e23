internal import Foundation
internal import Planning
internal import PostgresWire

/// Counts what would cross the cut of a split.
extension ClientSession {
    /// A unit with something to count is about to be sent.
    func watchCrossings(_ plan: UnitPlan, _ server: ServerConnection) {
        guard !server.queue.isSkipping else { return }
        if watch?.isIdle ?? true, staysOnOneSide(plan, server) { return }
        let watch = watch ?? TransactionWatch()
        self.watch = watch
        if !watch.send(worker.crossingSteps, sync: syncsSent) { worker.crossings.dropped += 1 }
    }

    /// Most units: a transaction of its own within one database, of which nothing is to be remembered.
    private func staysOnOneSide(_ plan: UnitPlan, _ server: ServerConnection) -> Bool {
        guard server.queue.isEmpty, server.queue.transaction == .idle, plan.endsTransaction,
            !plan.effects.contains(.transaction)
        else { return false }
        var databases: UInt64 = 0
        for step in worker.crossingSteps {
            if case .touch(let touch) = step { databases |= touch.databases }
        }
        return databases.nonzeroBitCount <= 1
    }

    /// ReadyForQuery has come.
    func settleCrossings(_ watch: TransactionWatch, isOver: Bool) {
        watch.settle(answered: syncsAnswered, isOver: isOver) { touch in
            guard let kind = touch.kind else { return }
            worker.crossings.note(.init(touch.fingerprint, kind), by: applicationName, at: Self.now) {
                Crossing(touch.fingerprint, kind, example: touch.shape, schemas: touch.schemas)
            }
        } transaction: { crossing in
            let fingerprint = crossing.fingerprint
            worker.crossings.note(.init(fingerprint, crossing.kind), by: applicationName, at: Self.now) {
                Crossing(
                    fingerprint, crossing.kind, example: crossing.example,
                    schemas: Set(crossing.members.flatMap(\.schemas)).sorted(),
                    statements: crossing.members.map(\.mention))
            }
        }
    }

    private static var now: Int { Int(Date().timeIntervalSince1970) }
}
