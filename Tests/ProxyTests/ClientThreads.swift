import Foundation

/// Clients that block, each on a thread of its own, so that the tasks of other tests go on meanwhile.
enum ClientThreads {
    /// Runs the body so many times at once.
    /// - Throws: the first error, when all have ended.
    static func run<T: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> T) async throws -> [T] {
        try await withThrowingTaskGroup(of: (Int, Result<T, any Error>).self) { group in
            for index in 0..<count {
                group.addTask { (index, await one { try body(index) }) }
            }
            var results: [Int: T] = [:]
            var failure: (any Error)?
            for try await (index, result) in group {
                switch result {
                case .success(let value): results[index] = value
                case .failure(let error): failure = failure ?? error
                }
            }
            if let failure { throw failure }
            return (0..<count).compactMap { results[$0] }
        }
    }

    private static func one<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async -> Result<T, any Error> {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Result { try body() }) }
        }
    }
}

/// How long tests under load run: longer where somebody wants a proof.
enum TestLength {
    /// `STRATA_LOAD_SECONDS` (number, 8).
    static var load: Double { seconds("STRATA_LOAD_SECONDS", 8) }
    /// `STRATA_FUZZ_SECONDS` (number, 3).
    static var fuzz: Double { seconds("STRATA_FUZZ_SECONDS", 3) }

    private static func seconds(_ name: String, _ usual: Double) -> Double {
        ProcessInfo.processInfo.environment[name].flatMap(Double.init) ?? usual
    }
}
