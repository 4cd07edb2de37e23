package import Logging
import Planning

/// The events of a run as log entries with fields, for machines that collect logs. No data and no secrets are in them.
package struct RunLog: Sendable {
    let logger: Logger

    package init(_ logger: Logger) { self.logger = logger }

    package func handle(_ event: RunEvent) {
        switch event {
        case .started(let run, let groups, let resumed):
            logger.info(
                "run started", metadata: ["run": "\(run)", "transactions": "\(groups)", "resumed": "\(resumed)"])
        case .beginning(let step, let position, let total):
            logger.debug(
                "step begins",
                metadata: [
                    "step": "\(step.number)", "kind": "\(step.kind.rawValue)", "object": "\(step.object)",
                    "position": "\(position)/\(total)",
                ])
        case .waiting(let step, let holder, let waited):
            logger.warning(
                "waiting for a lock holder",
                metadata: [
                    "step": "\(step.number)", "object": "\(step.object)", "holder": "\(holder)",
                    "waited_ms": "\(waited.milliseconds)",
                ])
        case .retrying(let step, let attempt, let delay, let reason):
            logger.notice(
                "trying again",
                metadata: [
                    "step": "\(step.number)", "object": "\(step.object)", "attempt": "\(attempt)",
                    "delay_ms": "\(delay.milliseconds)", "reason": "\(reason)",
                ])
        case .gone(let step, let reason):
            logger.warning(
                "nothing to undo",
                metadata: ["step": "\(step.number)", "object": "\(step.object)", "reason": "\(reason)"])
        case .done(let step, let took, let attempts):
            logger.info(
                "step done",
                metadata: [
                    "step": "\(step.number)", "kind": "\(step.kind.rawValue)", "object": "\(step.object)",
                    "took_ms": "\(took.milliseconds)", "attempts": "\(attempts)",
                ])
        case .finished(let run): logger.info("run finished", metadata: ["run": "\(run)"])
        }
    }
}
