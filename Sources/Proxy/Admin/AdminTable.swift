internal import PostgresWire

/// Rows for a client of the admin database. All values are text.
struct AdminTable: Equatable, Sendable {
    enum Kind: Sendable { case text, integer }

    struct Column: Equatable, Sendable {
        var name: String
        var kind: Kind
    }

    var columns: [Column]
    var rows: [[String?]]

    init(_ columns: [(String, Kind)], rows: [[String?]] = []) {
        self.columns = columns.map { Column(name: $0.0, kind: $0.1) }
        self.rows = rows
    }

    /// RowDescription, the rows, CommandComplete.
    func write(to writer: inout MessageWriter, describes: Bool = true) {
        if describes { writeDescription(to: &writer) }
        for row in rows {
            writer.message(BackendTag.dataRow) { body in
                body.int16(Int16(row.count))
                for value in row {
                    guard let value else {
                        body.int32(-1)
                        continue
                    }
                    body.int32(Int32(value.utf8.count))
                    body.raw(value.utf8)
                }
            }
        }
        BackendMessages.commandComplete("SHOW", to: &writer)
    }

    func writeDescription(to writer: inout MessageWriter) {
        writer.message(BackendTag.rowDescription) { body in
            body.int16(Int16(columns.count))
            for column in columns {
                body.string(column.name)
                body.int32(0)
                body.int16(0)
                // OIDs and sizes of text and int8.
                body.int32(column.kind == .integer ? 20 : 25)
                body.int16(column.kind == .integer ? 8 : -1)
                body.int32(-1)
                body.int16(0)
            }
        }
    }
}
