import CLibPQ

/// What names a column: its name or its 0-based index.
package protocol ColumnKey: Sendable {
    func position(in row: Row) -> Int?
}

extension String: ColumnKey {
    package func position(in row: Row) -> Int? { row.position(named: self) }
}

extension Int: ColumnKey {
    package func position(in row: Row) -> Int? { row.columns.indices.contains(self) ? self : nil }
}

/// One row of a result; keeps the result's memory alive.
package struct Row: Sendable {
    private let result: ResultHandle
    private let index: Int32
    private let columnSet: ColumnSet

    init(result: ResultHandle, index: Int32, columnSet: ColumnSet) {
        self.result = result
        self.index = index
        self.columnSet = columnSet
    }

    package var columns: [Column] { columnSet.columns }

    func position(named name: String) -> Int? { columnSet.index(of: name) }

    package func isNull(_ column: some ColumnKey) throws -> Bool {
        PQgetisnull(result.pointer, index, Int32(try position(column))) == 1
    }

    func position(_ column: some ColumnKey) throws -> Int {
        if let position = column.position(in: self) { return position }
        let names = columns.map(\.name).joined(separator: ", ")
        throw PostgresError(.decoding, "the result has no column \(column); it has: \(names)")
    }

    /// Gives the bytes of a value to `decode`; nil for NULL. `decode` returns nil for what it cannot read.
    func decode<T>(
        _ column: some ColumnKey, as kind: StaticString, _ decode: (UnsafeBufferPointer<UInt8>) throws -> T?
    ) throws -> T? {
        let position = try position(column)
        let field = Int32(position)
        if PQgetisnull(result.pointer, index, field) == 1 { return nil }
        let length = Int(PQgetlength(result.pointer, index, field))
        return try withExtendedLifetime(result) {
            let start = UnsafeRawPointer(PQgetvalue(result.pointer, index, field))?.assumingMemoryBound(to: UInt8.self)
            do {
                if let value = try decode(UnsafeBufferPointer(start: start, count: length)) { return value }
            } catch let error as ArrayLiteral.Malformed {
                throw mismatch(position, kind, "text of \(length) bytes (\(error.reason))")
            }
            throw mismatch(position, kind, "text of \(length) bytes")
        }
    }

    /// The value for callers that do not expect NULL.
    func required<T>(_ value: T?, _ column: some ColumnKey, as kind: StaticString) throws -> T {
        if let value { return value }
        throw mismatch(try position(column), kind, "NULL")
    }

    /// Names what was found by its kind only: the value may be somebody's data.
    private func mismatch(_ position: Int, _ kind: StaticString, _ found: String) -> PostgresError {
        let column = columns[position]
        return PostgresError(
            .decoding,
            "column \"\(column.name)\" (type oid \(column.typeOID)): \(kind) expected, the value is \(found)")
    }
}
