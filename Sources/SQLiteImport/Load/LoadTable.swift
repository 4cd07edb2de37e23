import SQLSyntax

/// One table on its way: what is read, and where it goes.
package struct LoadTable: Sendable, Hashable {
    package var source: SourceTable
    package var mapping: TableMapping
    /// The columns of the mapping that are loaded, in the table's order.
    package var columns: [ColumnMapping]
    /// In which its rows are read, where they have no rowids.
    let order: KeyOrder?

    /// - Parameter generated: columns of the file that PostgreSQL makes itself.
    package init(_ source: SourceTable, _ mapping: TableMapping, generated: Set<String>) {
        (self.source, self.mapping, order) = (source, mapping, KeyOrder(source))
        columns = source.columns.compactMap { mapping.column($0.name) }.filter {
            !$0.isSkipped && !generated.contains($0.source)
        }
    }

    package var target: String { SQL.qualified(mapping.schema, mapping.name) }
    var hasSides: Bool { columns.contains { $0.side != nil } }

    var hasRowids: Bool { source.rowidName != nil }

    /// Columns of that key that are not loaded: asked for all the same, for rejects are named by them.
    var otherKeys: [String] {
        (order?.columns ?? []).filter { name in !columns.contains { $0.source == name } }
    }

    /// The rowid, where there is one, then the columns, then those of the key in which rows without rowids are read, then
    /// those of it that are not loaded.
    ///
    /// So the key's come twice: to ask SQLite for a value as text converts it where it stands, in files of UTF-16.
    private var selection: String {
        let names =
            [source.rowidName].compactMap { $0 }
            + (columns.map(\.source) + (order?.columns ?? []) + otherKeys).map(SourceSQL.identifier)
        return
            "SELECT \(names.isEmpty ? "NULL" : names.joined(separator: ", ")) FROM \(SourceSQL.identifier(source.name))"
    }

    func select(_ part: KeyOrder.Part) -> String { "\(selection) \(part.sql)" }

    func select(isBounded: Bool) -> String {
        var sql = "\(selection) NOT INDEXED"
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
