internal import PostgresDriver

/// A complete result, in memory. For results that are larger than that: `DatabaseConnection.forEachRow`.
public struct DatabaseRows: Sendable, RandomAccessCollection {
    private let rows: Rows

    init(_ rows: Rows) { self.rows = rows }

    /// In the order of the result.
    public var columnNames: [String] { rows.columnNames }
    /// Rows inserted, updated, deleted or selected; nil for statements that do not count.
    public var affectedRows: Int? { rows.affectedRows }

    public var startIndex: Int { rows.startIndex }
    public var endIndex: Int { rows.endIndex }
    public subscript(position: Int) -> DatabaseRow { DatabaseRow(rows[position]) }

    /// The only row. Throws `DatabaseError` of kind `.decoding` when there is none or more than one.
    public func only() throws -> DatabaseRow {
        guard rows.count == 1 else {
            throw DatabaseError(.decoding, "one row expected, the result has \(rows.count)")
        }
        return self[0]
    }
}

/// One row of a result. All of its functions throw `DatabaseError` of kind `.decoding` for a column that is not there and
/// for a value that is no `Value`; a column is named by its name, the first of several, or by its index from 0.
public struct DatabaseRow: Sendable {
    private let row: Row

    init(_ row: Row) { self.row = row }

    /// Throws for NULL as well.
    public func value<Value: DatabaseValue>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        try required(text(column), "\"\(column)\"")
    }

    public func value<Value: DatabaseValue>(_ column: Int, as type: Value.Type = Value.self) throws -> Value {
        try required(text(column), "\(column)")
    }

    /// nil for NULL.
    public func optional<Value: DatabaseValue>(_ column: String, as type: Value.Type = Value.self) throws -> Value? {
        try text(column).map { try read($0, "\"\(column)\"") }
    }

    public func optional<Value: DatabaseValue>(_ column: Int, as type: Value.Type = Value.self) throws -> Value? {
        try text(column).map { try read($0, "\(column)") }
    }

    /// A one-dimensional array; nil for its elements that are NULL.
    public func array<Value: DatabaseValue>(_ column: String, of type: Value.Type = Value.self) throws -> [Value?] {
        do {
            return try row.nullableTextArray(column).map { try $0.map { try read($0, "\"\(column)\"") } }
        } catch { throw DatabaseError.translated(error) }
    }

    private func text(_ column: some ColumnKey) throws -> String? {
        do { return try row.optionalString(column) } catch { throw DatabaseError.translated(error) }
    }

    private func required<Value: DatabaseValue>(_ text: String?, _ column: String) throws -> Value {
        guard let text else {
            throw DatabaseError(.decoding, "column \(column): \(Value.self) expected, the value is NULL")
        }
        return try read(text, column)
    }

    /// Names what was found by its length only: the value may be somebody's data.
    private func read<Value: DatabaseValue>(_ text: String, _ column: String) throws -> Value {
        if let value = Value(databaseText: text) { return value }
        throw DatabaseError(
            .decoding, "column \(column): \(Value.self) expected, the value is a text of \(text.utf8.count) bytes")
    }
}

extension [(any DatabaseValue)?] {
    var driverParameters: [Parameter] {
        map { value in
            guard let value else { return .null }
            return .typed(value.databaseText, type: type(of: value).databaseType)
        }
    }
}
