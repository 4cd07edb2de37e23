internal import PostgresWire

/// What a client is told of the rows that a statement gives, as far as it has to stay the same: names, types and type
/// modifiers of the columns. PostgreSQL compares the same (`equalTupleDescs`) before it uses a plan made earlier.
struct RowSignature: Equatable {
    /// Without rows: empty. Else for each column its name with the zero, and the two numbers.
    private var bytes: [UInt8] = []
    private var hasRows = false

    /// Of a RowDescription or NoData.
    init(_ tag: UInt8, _ body: UnsafeRawBufferPointer) {
        guard tag == BackendTag.rowDescription else { return }
        hasRows = true
        var cursor = ByteCursor(body)
        for _ in 0..<(cursor.int16() ?? 0) {
            guard let name = cursor.cString(), cursor.take(6) != nil, let type = cursor.take(4),
                cursor.take(2) != nil, let modifier = cursor.take(4), cursor.take(2) != nil
            else { return }
            bytes.append(contentsOf: name)
            bytes.append(0)
            bytes.append(contentsOf: type)
            bytes.append(contentsOf: modifier)
        }
    }
}
