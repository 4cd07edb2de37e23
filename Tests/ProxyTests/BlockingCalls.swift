@testable import Proxy

/// Runs what may block on threads of its own. A wire client that waits for something that a task of the proxy, or of
/// another test, has to do must not sit on one of the few threads that tasks have.
func blocking<T>(_ work: () async throws -> T) async rethrows -> T {
    try await withTaskExecutorPreference(blockers, operation: work)
}

/// As many as tests and their clients that may run at once, and a few.
private let blockers = ThreadExecutor(name: "test", threads: 100)
