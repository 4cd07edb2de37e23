import Dispatch

/// Runs what blocks on a thread of its own. A wire client that waits for something that a task of the proxy has to do
/// must not sit on one of the few threads that tasks have.
func blocking<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
    }
}
