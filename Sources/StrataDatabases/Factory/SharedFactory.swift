internal import Foundation

extension DatabaseFactory {
    /// The process's one factory, for the layout that `STRATA_LAYOUT` names, else `strata.yaml` in the working directory.
    ///
    /// Made by the first call; calls meanwhile wait for it. One that failed is tried again by the next call. Throws as
    /// `init(layout:)`.
    public static func shared() async throws -> DatabaseFactory {
        try await SharedFactory.process.factory {
            let path = ProcessInfo.processInfo.environment["STRATA_LAYOUT", default: ""]
            return try await DatabaseFactory(layout: path.isEmpty ? "strata.yaml" : path)
        }
    }
}

/// Makes a factory once, however many ask at the same time.
actor SharedFactory {
    static let process = SharedFactory()

    private var making: Task<DatabaseFactory, any Error>?

    func factory(_ make: @escaping @Sendable () async throws -> DatabaseFactory) async throws -> DatabaseFactory {
        let task = making ?? Task { try await make() }
        making = task
        do {
            return try await task.value
        } catch {
            if making == task { making = nil }
            throw error
        }
    }
}
