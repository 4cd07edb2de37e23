/// Schemas that the layout places on another database and that have not moved there yet: the main database serves them.
///
/// The one place that says so. The main database has relations in the schema, and a split of it is under way there; or the
/// database that it is meant for is known to have none, or to have a copy that is not its own yet. Where that one is not
/// known, nothing is assumed: what a finished split left behind must not be taken for the schema itself.
enum StillHere {
    /// - Parameters:
    ///   - owners: the database of each schema that the layout lists, as an index of `catalogs`; 0 is the main one.
    ///   - routes: what the record of splits says, which is newer than any catalog.
    static func schemas(
        _ owners: [String: Int], catalogs: [RoutingCatalog], routes: [String: Int] = [:]
    ) -> Set<String> {
        guard let main = catalogs.first, main.isKnown else { return [] }
        return Set(
            owners.compactMap { schema, owner in
                guard owner != 0 else { return nil }
                if let route = routes[schema] { return route == 0 ? schema : nil }
                guard main.isFilled(schema), !main.left.contains(schema) else { return nil }
                if main.leaving.contains(schema) { return schema }
                let target = catalogs[owner]
                guard target.isKnown else { return nil }
                return target.isFilled(schema) && !target.incoming.contains(schema) ? nil : schema
            })
    }
}

extension RoutingCatalog {
    func isFilled(_ schema: String) -> Bool {
        names.schemas[schema].map { filledSchemas.contains($0) } ?? false
    }
}
