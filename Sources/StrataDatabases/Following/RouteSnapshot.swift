/// What the main database says of where schemas live, at one moment.
struct RouteSnapshot: Sendable, Equatable {
    struct Route: Sendable, Equatable {
        var database: String
        var epoch: Int
        /// The number of a switch that holds the schema, and for how long it still may.
        var hold: Hold?
    }

    struct Hold: Sendable, Equatable {
        var number: Int
        var left: Duration
    }

    /// By schema; those that have never been moved have none.
    var routes: [String: Route] = [:]
    /// Schemas whose split is under way.
    var leaving: Set<String> = []
    /// Schemas that the main database has objects of.
    var filled: Set<String> = []
    /// Those of them that the database of the layout has nothing of.
    var stillOnMain: Set<String> = []

    var epoch: Int { routes.values.map(\.epoch).max() ?? 0 }

    /// - Parameter placement: the database that the layout gives the schema.
    func home(of schema: String, placement: String, main: String) -> String {
        if let route = routes[schema] { return route.database }
        return leaving.contains(schema) || stillOnMain.contains(schema) ? main : placement
    }
}
