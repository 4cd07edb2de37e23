import SQLSyntax

/// One table on its way: what is read, and where it goes.
package struct LoadTable: Sendable, Hashable {
    package var source: SourceTable
    package var mapping: TableMapping
    /// The columns of the mapping that are loaded, in the table's order.
    package var columns: [ColumnMapping]

    /// - Parameter generated: columns of the file that PostgreSQL makes itself.
    package init(_ source: SourceTable, _ mapping: TableMapping, generated: Set<String>) {
        (self.source, self.mapping) = (source, mapping)
        columns = source.columns.compactMap { mapping.column($0.name) }.filter {
            !$0.isSkipped && !generated.contains($0.source)
        }
    }

    package var target: String { SQL.qualified(mapping.schema, mapping.name) }
    var hasSides: Bool { columns.contains { $0.side != nil } }

    /// A table without a rowid is read from its beginning to its end, in one transaction.
    var hasRowids: Bool { source.rowidName != nil }

    func select(isBounded: Bool) -> String {
        let names = ([source.rowidName].compactMap { $0 } + columns.map { SourceSQL.identifier($0.source) })
        var sql =
            "SELECT \(names.isEmpty ? "NULL" : names.joined(separator: ", ")) FROM \(SourceSQL.identifier(source.name)) NOT INDEXED"
        if let rowid = source.rowidName {
            if isBounded { sql += " WHERE \(rowid) BETWEEN ?1 AND ?2" }
            sql += " ORDER BY \(rowid)"
        }
        return sql
    }

    var copy: String {
        let names = columns.map(\.name) + columns.compactMap(\.side)
        return "COPY \(target) (\(names.map(SQL.identifier).joined(separator: ", "))) FROM STDIN"
    }
}
