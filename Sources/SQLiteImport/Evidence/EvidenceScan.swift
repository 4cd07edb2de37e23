import GRDBSQLite

/// Counts for one part of a table, in memory of fixed size: a row costs no allocation.
final class EvidenceScan {
    /// Boundaries kept at most; with more rows, every second one goes and the distance doubles.
    static let mostBoundaries = 4096

    private let columns: Int
    private let counts: UnsafeMutableBufferPointer<Int>
    private let examples: UnsafeMutableBufferPointer<Int64>
    private let reach: UnsafeMutableBufferPointer<Reach>
    private(set) var rows = 0
    private var smallestRowid: Int64?
    private var largestRowid: Int64?
    private var boundaries: [Int64] = []
    private var distance = 1024

    private struct Reach {
        var smallestInteger = Int64.max
        var largestInteger = Int64.min
        var smallestReal = Double.infinity
        var largestReal = -Double.infinity
        var realDigits = 0
        var longestText = 0
        var mostBytes = 0
        var wholeDigits = 0
        var fractionDigits = 0
        var secondDigits = 0
        var firstDay = Int.max
        var lastDay = 0
    }

    init(columns: Int) {
        self.columns = columns
        counts = .allocate(capacity: columns * Self.classes)
        counts.initialize(repeating: 0)
        examples = .allocate(capacity: columns * Self.classes)
        examples.initialize(repeating: 0)
        reach = .allocate(capacity: columns)
        reach.initialize(repeating: Reach())
    }

    deinit {
        counts.deallocate()
        examples.deallocate()
        reach.deallocate()
    }

    private static let classes = ValueClass.allCases.count

    /// The row on which the statement stands.
    ///
    /// - Parameters:
    ///   - first: the statement's first column that belongs to the table; before it stands the rowid, where there is one.
    /// - Returns: false where rowids do not ascend, which only a damaged file does.
    @inline(__always)
    func add(_ statement: OpaquePointer, first: Int32) -> Bool {
        var rowid: Int64 = 0
        if first > 0 {
            rowid = sqlite3_column_int64(statement, 0)
            if let last = largestRowid {
                guard rowid > last else { return false }
            } else {
                smallestRowid = rowid
            }
            largestRowid = rowid
            if rows % distance == 0, rows > 0 { mark(rowid) }
        }
        rows += 1
        for column in 0..<columns {
            let place = column * Self.classes + look(statement, first + Int32(column), &reach[column]).rawValue
            counts[place] += 1
            if counts[place] == 1 { examples[place] = rowid }
        }
        return true
    }

    private func mark(_ rowid: Int64) {
        boundaries.append(rowid)
        guard boundaries.count >= Self.mostBoundaries else { return }
        boundaries = boundaries.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        distance *= 2
    }

    @inline(__always)
    private func look(_ statement: OpaquePointer, _ column: Int32, _ reach: inout Reach) -> ValueClass {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER:
            let value = sqlite3_column_int64(statement, column)
            if value < reach.smallestInteger { reach.smallestInteger = value }
            if value > reach.largestInteger { reach.largestInteger = value }
            return .of(integer: value)
        case SQLITE_FLOAT:
            let value = sqlite3_column_double(statement, column)
            if value < reach.smallestReal { reach.smallestReal = value }
            if value > reach.largestReal { reach.largestReal = value }
            // One with fewer digits may not be a quotient of so many, too.
            if !value.hasDecimals(atMost: reach.realDigits) { reach.realDigits = max(reach.realDigits, value.decimals) }
            return .of(real: value)
        case SQLITE_TEXT:
            let start = sqlite3_column_text(statement, column)
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
            return text(bytes, &reach)
        case SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(statement, column))
            if count > reach.mostBytes { reach.mostBytes = count }
            return .of(blobBytes: count)
        default: return .null
        }
    }

    @inline(__always)
    private func text(_ bytes: UnsafeRawBufferPointer, _ reach: inout Reach) -> ValueClass {
        let scan = TextScan(bytes)
        if bytes.count > reach.mostBytes { reach.mostBytes = bytes.count }
        if scan.characters > reach.longestText { reach.longestText = scan.characters }
        let kind = TextClass.of(bytes, scan)
        if kind == .decimalText {
            let point = bytes.firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
            reach.wholeDigits = max(reach.wholeDigits, point - (bytes[0] == UInt8(ascii: "-") ? 1 : 0))
            reach.fractionDigits = max(reach.fractionDigits, max(0, bytes.count - point - 1))
        }
        if kind == .timestampText {
            // YYYY-MM-DD, as its class says.
            let day = bytes.prefix(10).reduce(0) { $1 == UInt8(ascii: "-") ? $0 : $0 * 10 + Int($1 & 15) }
            reach.firstDay = min(reach.firstDay, day)
            reach.lastDay = max(reach.lastDay, day)
        }
        if kind == .timestampText || kind == .zonedTimestampText || kind == .timeText {
            guard let point = bytes.firstIndex(of: UInt8(ascii: ".")) else { return kind }
            let digits = bytes[(point + 1)...].prefix { 0x30...0x39 ~= $0 }.count
            if digits > reach.secondDigits { reach.secondDigits = digits }
        }
        return kind
    }

    /// What was seen, by the columns' names.
    func evidence(_ names: [String]) -> TableEvidence {
        var table = TableEvidence()
        table.rows = rows
        (table.smallestRowid, table.largestRowid, table.boundaries) = (smallestRowid, largestRowid, boundaries)
        for (column, name) in names.enumerated() { table.columns[name] = evidence(column) }
        return table
    }

    private func evidence(_ column: Int) -> ColumnEvidence {
        var evidence = ColumnEvidence()
        let seen = reach[column]
        for kind in ValueClass.allCases {
            let place = column * Self.classes + kind.rawValue
            evidence[kind] = counts[place]
            if counts[place] > 0, largestRowid != nil { evidence.examples[kind] = examples[place] }
        }
        if evidence.count(.integer) > 0 {
            (evidence.smallestInteger, evidence.largestInteger) = (seen.smallestInteger, seen.largestInteger)
        }
        if evidence.count(.real) > 0 {
            (evidence.smallestReal, evidence.largestReal) = (seen.smallestReal, seen.largestReal)
        }
        evidence.realDigits = seen.realDigits
        (evidence.longestText, evidence.mostBytes) = (seen.longestText, seen.mostBytes)
        (evidence.wholeDigits, evidence.fractionDigits) = (seen.wholeDigits, seen.fractionDigits)
        evidence.secondDigits = seen.secondDigits
        if seen.lastDay > 0 { (evidence.firstDay, evidence.lastDay) = (seen.firstDay, seen.lastDay) }
        return evidence
    }
}
