import Foundation
import GRDB
import SQLiteImport
import TestSupport
import Testing

/// Rows without rowids, read in the order of their key: in parts, each behind the last key of the one before.
@Suite struct KeyOrderTests {
    private static let definitions = [
        "CREATE TABLE t (a, b, n, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE t (a, b, n, PRIMARY KEY (b DESC, a DESC)) WITHOUT ROWID",
        "CREATE TABLE t (a, b, n, PRIMARY KEY (a DESC, b, n DESC)) WITHOUT ROWID",
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b COLLATE RTRIM, n, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE t (a TEXT, b TEXT, n, PRIMARY KEY (a COLLATE NOCASE, b COLLATE RTRIM DESC)) WITHOUT ROWID",
        "CREATE TABLE t (a COLLATE NOCASE, b COLLATE RTRIM, n, PRIMARY KEY (a COLLATE BINARY DESC, b COLLATE BINARY)) WITHOUT ROWID",
        "CREATE TABLE t (a INTEGER, b NUMERIC, n, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE t (a REAL, b TEXT, n, PRIMARY KEY (a, b DESC)) WITHOUT ROWID",
        "CREATE TABLE t (a, b, n, PRIMARY KEY (a, a COLLATE NOCASE, b)) WITHOUT ROWID",
        "CREATE TABLE t (a ANY, b BLOB, n ANY, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID",
        "CREATE TABLE t (a NOT NULL, b NOT NULL, n, rowid, oid, _rowid_, UNIQUE (a DESC, b COLLATE NOCASE))",
    ]

    @Test(arguments: definitions)
    func `SQLite searches for each part, and neither scans nor sorts`(_ definition: String) throws {
        let file = try SQLiteFile(definition)
        // Indexes that SQLite could prefer, and figures that speak for them.
        try file.execute(
            """
            CREATE INDEX i ON t (n, b, a); CREATE UNIQUE INDEX j ON t (b, a, n); ANALYZE;
            INSERT INTO sqlite_stat1 VALUES ('t', 'i', '1000000 1 1 1'), ('t', 'j', '1000000 1 1 1'),
                ('t', (SELECT name FROM pragma_index_list('t') WHERE origin <> 'c'), '1000000 1000000 500000 500000');
            """)
        let copy = try SQLiteFile(copyOf: file)
        let table = try #require(copy.schema().tables.first)
        let order = try #require(KeyOrder(table))
        let key = order.keys.indices.map { $0 % 2 == 0 ? KeyValue.text([0x78]) : .integer(5) }
        // A column that the key has twice.
        let isTwice = Set(order.columns).count < order.columns.count
        for part in order.parts(behind: key) + order.parts(behind: nil) {
            let plan = try copy.queue.read {
                try Row.fetchAll(
                    $0, sql: "EXPLAIN QUERY PLAN SELECT * FROM t \(part.sql)", arguments: Self.arguments(part))
            }.map { $0["detail"] as String }
            let verb = part.bindings.isEmpty ? "SCAN" : "SEARCH"
            #expect(plan.count == 1 || isTwice, "\(plan)")
            #expect(plan[0].hasPrefix(verb), "\(plan)")
            #expect(plan[0].filter { $0 == "?" }.count == part.bindings.count, "\(plan)")
        }
    }

    @Test func `Which index tells rows apart`() throws {
        func order(_ sql: String) throws -> [String]? {
            try KeyOrder(#require(SQLiteFile(sql).schema().tables.first))?.columns
        }
        #expect(try order("CREATE TABLE t (a, b, UNIQUE (b), PRIMARY KEY (a)) WITHOUT ROWID") == ["a"])
        #expect(try order("CREATE TABLE t (a PRIMARY KEY, b NOT NULL UNIQUE)") == nil)
        let names = "rowid, oid, _rowid_"
        #expect(try order("CREATE TABLE t (\(names), a PRIMARY KEY)") == nil)
        #expect(try order("CREATE TABLE t (\(names), a, b NOT NULL, UNIQUE (a, b))") == nil)
        #expect(try order("CREATE TABLE t (\(names), a PRIMARY KEY, b NOT NULL UNIQUE)") == ["b"])
        #expect(
            try order("CREATE TABLE t (\(names), a NOT NULL, b NOT NULL UNIQUE, PRIMARY KEY (a, b))") == ["a", "b"])
        for index in ["(b) WHERE b > 1", "(b + 1)"] {
            let sql = "CREATE TABLE t (\(names), b NOT NULL); CREATE UNIQUE INDEX i ON t \(index)"
            #expect(try order(sql) == nil)
        }
        #expect(try order("CREATE TABLE t (\(names), b NOT NULL); CREATE UNIQUE INDEX i ON t (b)") == ["b"])
        #expect(try order("CREATE TABLE t (rowid, oid, _rowid_ INTEGER PRIMARY KEY)") == nil)
    }

    // MARK: Random keys

    @Test(arguments: 0..<33)
    func `Part by part, all rows come once and in SQLite's own order`(_ round: Int) async throws {
        var random = SeededRandom(SeededRandom.seed(for: "KeyOrderTests \(round)", usual: UInt64(round)))
        let encoding = ["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"][round % 4]
        let definition = Self.definitions[round % Self.definitions.count]
        let file = try SQLiteFile("PRAGMA encoding = '\(encoding)'; \(definition);")
        let pool = (0..<12).map { _ in RandomKey.sql(&random, isUTF8: encoding == "UTF-8") }
        for row in 0..<200 {
            // Those that its types or its key do not take are left out.
            try? file.execute("INSERT INTO t (a, b, n) VALUES (\(random.pick(pool)), \(random.pick(pool)), \(row))")
        }
        try file.execute("ANALYZE")
        let table = try #require(file.schema().tables.first)
        let order = try #require(KeyOrder(table))
        let expected = try file.queue.read {
            try Row.fetchAll($0, sql: "SELECT n FROM t \(order.parts(behind: nil)[0].sql)")
        }
        .map { $0["n"] as Int }
        #expect(expected.count > 5)
        #expect(try file.text("SELECT count(*) FROM t NOT INDEXED") == "\(expected.count)")
        for size in [1, 2, 7, 50] {
            var (found, key): ([Int], [KeyValue]?) = ([], nil)
            while let rows = try next(size, of: order, behind: key, file), let last = rows.last {
                found += rows.map(\.n)
                // As a call that goes on reads it from the journal.
                let text = try KeyText.text(last.key)
                #expect(try KeyText.key(text) == last.key)
                key = try KeyText.key(text)
                guard found.count <= expected.count else { break }
            }
            #expect(found == expected, "\(definition), \(encoding), by \(size)")
        }
    }

    /// By GRDB and SQLite's own functions. Nil where there are no more.
    private func next(
        _ size: Int, of order: KeyOrder, behind key: [KeyValue]?, _ file: SQLiteFile
    ) throws -> [(n: Int, key: [KeyValue])]? {
        var found: [(n: Int, key: [KeyValue])] = []
        let columns = order.columns.map { "\"\($0)\", typeof(\"\($0)\"), CAST(\"\($0)\" AS BLOB)" }.joined(
            separator: ", ")
        for part in order.parts(behind: key) where found.count < size {
            let rows = try file.queue.read {
                try Row.fetchAll(
                    $0, sql: "SELECT n, \(columns) FROM t \(part.sql) LIMIT \(size - found.count)",
                    arguments: Self.arguments(part))
            }
            found += rows.map { row in
                (row["n"], order.columns.indices.map { KeyValue(row[$0 * 3 + 1], row[$0 * 3 + 2], row[$0 * 3 + 3]) })
            }
        }
        return found.isEmpty ? nil : found
    }

    /// Up to the last one that is not written out.
    private static func arguments(_ part: KeyOrder.Part) -> StatementArguments {
        let count = (part.bindings.lastIndex { $0.databaseValue != .null } ?? -1) + 1
        return StatementArguments(part.bindings[..<count].map(\.databaseValue))
    }
}

extension KeyValue {
    fileprivate init(_ value: DatabaseValue, _ type: String, _ bytes: Data?) {
        switch value.storage {
        case .int64(let number): self = .integer(number)
        case .double(let number): self = .real(number)
        default: self = type == "text" ? .text(Array(bytes ?? Data())) : .blob(Array(bytes ?? Data()))
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text: .null
        case .blob(let bytes): Data(bytes).databaseValue
        }
    }
}

@Suite struct KeyTextTests {
    @Test(
        arguments: [
            [.integer(.min), .integer(.max), .integer(0), .integer(9_007_199_254_740_993)],
            [
                .real(0.1), .real(1), .real(5e-324), .real(-1.797_693_134_862_315_7e308), .real(.infinity),
                .real(-.infinity),
            ],
            [.real(0.1 + 0.2), .real(9_007_199_254_740_992), .real(1e300)],
            [
                .text([]), .text(Array("é\"\\/\u{1}\u{2028}🐕".utf8)), .text(Array("e\u{301}".utf8)),
                .text([0x31, 0, 0x32]),
            ],
            [
                .text([0xff]), .text([0xed, 0xa0, 0x80]), .text([0xfe, 0xff, 0x00, 0x61]),
                .text([0xef, 0xbb, 0xbf, 0x61]),
            ],
            [.blob([]), .blob([0]), .blob(Array(0...255)), .blob(Array("text".utf8))],
            [],
        ] as [[KeyValue]])
    func `A key is the same when it is read again`(_ key: [KeyValue]) throws {
        let text = try KeyText.text(key)
        #expect(try KeyText.key(text) == key, "\(text)")
        // PostgreSQL's text holds none.
        #expect(!text.utf8.contains(0))
    }

    @Test(arguments: ["", "{}", "[{}]", "[1]", "[{\"blob\":\"0\"}]", "[{\"textBytes\":\"zz\"}]", "[{\"real\":\"x\"}]"])
    func `What is no key is an error`(_ text: String) {
        #expect(throws: (any Error).self) { try KeyText.key(text) }
    }
}

/// Keys whose order is easily got wrong, as SQL of SQLite.
enum RandomKey {
    static func sql(_ random: inout SeededRandom, isUTF8: Bool) -> String {
        switch random.below(6) {
        case 0:
            random.pick(["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993", "2", "10"])
        case 1:
            random.pick([
                "1.5", "9007199254740992.0", "0.1", "0.30000000000000004", "9e999", "-9e999", "5e-324", "1e300",
            ])
        case 2:
            "'\(random.pick(["", "a", "A", "a ", "a  ", "b", "B ", "ä", "Ä", "1", "1.0", "01", "quote''d", "ZZZ", "\u{FEFF}a"]))'"
        case 3 where isUTF8:
            "CAST(x'\(random.pick(["6100", "610062", "00", "ff", "c328", "eda080", "efbbbf61"]))' AS TEXT)"
        case 3:
            "CAST(x'\(random.pick(["61000000", "00610000", "00d86100", "d8000061", "fffe6100", "feff0061", "00dc00d8"]))' AS TEXT)"
        case 4: "x'\(random.pick(["", "00", "61", "ff00", "6100", "ffff"]))'"
        default: "\(Int.random(in: -50...50, using: &random))"
        }
    }
}
