package import Planning

/// Limits of a run. All are bounds on what the application can feel.
package struct RunOptions: Sendable {
    /// How long a statement of Strata may wait for a lock, and so the longest time that it makes others queue behind
    /// it (default 200 ms, 10 ms to 60 s).
    package var lockTimeout: Duration = .milliseconds(200)
    /// A holder whose transaction is older than this is waited for *without* queueing (default 200 ms).
    package var patienceWithHolders: Duration = .milliseconds(200)
    /// How long a step is tried before the run stops, resumable (default 10 min).
    package var lockWaitLimit: Duration = .seconds(600)
    package var identity: ActorIdentity = .current

    package init() {}
}

/// What a run tells while it is at work; bounded by the number of steps and tries.
package enum RunEvent: Sendable {
    case started(run: Int, groups: Int, resumed: Bool)
    case beginning(Step, position: Int, of: Int)
    /// Somebody holds a lock for long; Strata waits beside the queue.
    case waiting(Step, holder: String, waited: Duration)
    /// The lock did not come free in time, or a deadlock was resolved against us.
    case retrying(Step, attempt: Int, after: Duration, reason: String)
    /// Undo found that the step's object was dropped by somebody: there is nothing to take back.
    case gone(Step, String)
    case done(Step, took: Duration, attempts: Int)
    case finished(run: Int)
}

/// What came out of a run.
package struct RunReport: Sendable, Equatable {
    package var run: Int
    package var stepsDone: Int
    package var stepsBefore: Int
    package var retries: Int
    package var waits: Int
    package var took: Duration
    /// Longest time that a step's transaction was open, and so held its locks.
    package var longestTransaction: Duration
    package var fingerprintBefore: String
    package var fingerprintAfter: String
    /// After a rollback: what is not as it was before the run, a line each, at most some hundreds; empty where all is.
    package var differences: [String] = []
}
