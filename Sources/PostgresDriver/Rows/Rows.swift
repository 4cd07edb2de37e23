import CLibPQ

/// A `PGresult`, cleared with its last reference. libpq allows reading one from several threads.
final class ResultHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { PQclear(pointer) }

    var status: ExecStatusType { PQresultStatus(pointer) }
    var rowCount: Int { Int(PQntuples(pointer)) }
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }
    /// nil for statements that do not count rows.
    var affectedRows: Int? { Int(String(cString: PQcmdTuples(pointer))) }
}

/// A result column.
package struct Column: Sendable, Hashable {
    package let name: String
    /// As in `pg_type`.
    package let typeOID: UInt32
}

/// The columns of a result, shared by its rows.
final class ColumnSet: Sendable {
    let columns: [Column]
    private let byName: [String: Int]

    init(_ result: ResultHandle) {
        columns = (0..<PQnfields(result.pointer)).map { field in
            Column(
                name: PQfname(result.pointer, field).map { String(cString: $0) } ?? "",
                typeOID: PQftype(result.pointer, field))
        }
        // Of several columns of one name the first is meant, as in libpq.
        byName = Dictionary(columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func index(of name: String) -> Int? { byName[name] }
}

/// A complete result. The rows stay in libpq's memory, and are decoded when they are read.
package struct Rows: Sendable, RandomAccessCollection {
    private let result: ResultHandle
    private let columnSet: ColumnSet

    init(_ result: ResultHandle) {
        self.result = result
        columnSet = ColumnSet(result)
    }

    package var columns: [Column] { columnSet.columns }
    package var columnNames: [String] { columns.map(\.name) }
    /// Such as `SELECT 3` or `INSERT 0 1`.
    package var commandTag: String { result.commandTag }
    /// Rows inserted, updated, deleted, selected or copied; nil for statements that do not count.
    package var affectedRows: Int? { result.affectedRows }

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.rowCount }
    package subscript(position: Int) -> Row {
        precondition(indices.contains(position), "row \(position) of \(count)")
        return Row(result: result, index: Int32(position), columnSet: columnSet)
    }

    /// The only row. Throws `.decoding` when there is none or more than one.
    package func only() throws -> Row {
        guard count == 1 else { throw PostgresError(.decoding, "one row expected, the result has \(count)") }
        return self[0]
    }
}
