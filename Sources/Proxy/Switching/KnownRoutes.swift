internal import Engine
internal import Synchronization

/// Where schemas live by the main database's record, as all loops share it.
struct KnownRoutes: Sendable, Equatable {
    /// The database of each schema that a split has taken up, as the layout names it.
    var databases: [String: String] = [:]
    /// The newest change.
    var epoch = 0
    /// Schemas that are being switched: statements that may touch them wait.
    var held: Set<String> = []

    init() {}

    init(_ routes: [SchemaRoute]) {
        for route in routes {
            databases[route.schema] = route.database
            epoch = max(epoch, route.epoch)
            if route.hold != nil { held.insert(route.schema) }
        }
    }
}

extension Worker {
    /// - Returns: clients whose statements or transactions a switch waits for.
    func follow(_ routes: KnownRoutes, isNewPlace: Bool) -> Int {
        // First the way, then those who wait for it.
        if isNewPlace { placesChanged() }
        holdBack(routes.held)
        return Set(routes.held.flatMap { busy(.schema($0)) }).count
    }
}
