import SQLSyntax

/// Tables of the main database of which others have a copy to read.
enum CopyPlaces {
    /// As indexes of the layout's databases: the table's home first, then those that have a copy.
    typealias Places = [QualifiedName: [Int]]

    /// - Parameter owners: where the layout places schemas. A copy counts while it has all its rows, its table is there,
    ///   and the table lives in the main database.
    static func find(_ owners: [String: Int], catalogs: [RoutingCatalog]) -> Places {
        guard let main = catalogs.first, main.isKnown else { return [:] }
        var found: Places = [:]
        for (index, catalog) in catalogs.enumerated().dropFirst() {
            for name in catalog.copies where owners[name.schema ?? ""] ?? 0 == 0 {
                guard catalog.relation(named: name)?.kind == .table, main.relation(named: name)?.kind == .table else {
                    continue
                }
                found[name, default: [0]].append(index)
            }
        }
        return found
    }
}
