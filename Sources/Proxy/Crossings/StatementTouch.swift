internal import Planning

/// What one statement uses of the databases that the layout plans, and what it is called in the counts. Made once for a
/// decision.
final class StatementTouch: Sendable {
    /// 16 hexadecimal digits: the same for statements that differ in constants only.
    let fingerprint: String
    /// The statement without its constants.
    let shape: String
    /// Databases that it reads and writes, a bit each.
    let reads: UInt64
    let writes: UInt64
    /// FOR UPDATE and its kin, LOCK TABLE.
    let locks: Bool
    /// Where all that it reads can be read as well; 0: only where `reads` says.
    let copies: UInt64
    let schemas: [String]
    /// What it is by itself; nil: it stays within one database.
    let kind: Crossing.Kind?

    init(
        fingerprint: String, shape: String, reads: UInt64 = 0, writes: UInt64 = 0, locks: Bool = false,
        copies: UInt64 = 0, schemas: [String] = []
    ) {
        self.fingerprint = fingerprint
        self.shape = shape
        self.reads = reads
        self.writes = writes
        self.locks = locks
        self.copies = copies
        self.schemas = schemas
        kind = Self.kind(reads: reads, writes: writes, locks: locks)
    }

    var databases: UInt64 { reads | writes }

    static func kind(reads: UInt64, writes: UInt64, locks: Bool) -> Crossing.Kind? {
        guard (reads | writes).nonzeroBitCount > 1 else { return nil }
        if writes.nonzeroBitCount > 1 { return .twoSchemaWrite }
        if writes != 0 { return .write }
        return locks ? .locking : .join
    }

    /// For the list of a transaction's statements.
    var mention: Crossing.Statement { .init(fingerprint: fingerprint, writes: writes != 0, locks: locks) }
}

/// What a text does for the counts of crossings, statement by statement.
enum CrossingStep: Sendable {
    case touch(StatementTouch)
    /// COMMIT, ROLLBACK: what follows belongs to another transaction.
    case ends
}

extension [CrossingStep] {
    /// About what they take of memory.
    var byteCount: Int {
        reduce(0) { sum, step in
            guard case .touch(let touch) = step else { return sum + 16 }
            return sum + touch.shape.utf8.count + touch.schemas.count * 32 + 128
        }
    }
}
