import Foundation
import GRDB
import JSONSchemas
import Planning
import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// Random tables with values of every storage class in columns of every affinity: what arrives is what was there, or is in
/// the rejects. The comparison asks both databases themselves, and shares no code with the importer.
@Suite struct ImportPropertyTests {
    private static let types = [
        "", "INTEGER", "INT", "BIGINT", "TEXT", "VARCHAR(12)", "BLOB", "REAL", "DOUBLE PRECISION", "NUMERIC",
        "DECIMAL(10,2)",
        "BOOLEAN", "DATE", "DATETIME", "TIMESTAMP", "TIME", "JSON", "JSONB", "UUID", "STRING", "WHATEVER",
    ]

    /// Every third table has no rowids: its key begins with a column of any kind of values, by any collation.
    @Test(arguments: 0..<36)
    func arrivesOrIsRejected(_ round: Int) async throws {
        let seed = SeededRandom.seed(for: "ImportPropertyTests \(round)", usual: UInt64(round) &* 7919 &+ 11)
        var random = SeededRandom(seed)
        let file = try SQLiteFile()
        let columns = (0..<(3 + random.below(7))).map { "c\($0)" }
        let declared = columns.map { _ in random.pick(Self.types) }
        let definition = zip(columns, declared).map { "\($0) \($1)" }.joined(separator: ", ")
        let hasRowids = round % 3 > 0
        let key = hasRowids ? "id" : Self.key(&random)
        try file.execute(
            hasRowids
                ? "CREATE TABLE t (id INTEGER PRIMARY KEY, \(definition))"
                : "CREATE TABLE t (id INTEGER NOT NULL, \(definition), PRIMARY KEY (\(key))) WITHOUT ROWID")
        // Each column has a few kinds of values, one of them much more often than the others, as real ones have.
        let kinds = columns.map { _ in
            (usual: random.below(Value.kinds), odd: random.below(Value.kinds), often: random.once(in: 2))
        }
        let rows = 40 + random.below(160)
        var statements = ""
        for row in 1...rows {
            var values: [String] = []
            for kind in kinds {
                let isOdd = kind.often ? random.once(in: 4) : random.once(in: 25)
                values.append(Value.sql(isOdd ? kind.odd : kind.usual, &random))
            }
            if !hasRowids, values[0] == "NULL" { values[0] = "'none'" }
            // Ids with gaps, some of them negative or large.
            let id = row == rows ? 9_000_000_000 : row % 17 == 0 ? -row : row * 3
            statements += "INSERT INTO t VALUES (\(([String(id)] + values).joined(separator: ", ")));"
        }
        try await file.queue.write { [statements] in try $0.execute(sql: statements) }
        try await withTestDatabase("import") { database in
            var fixture = ImportFixture(file, into: database)
            fixture.options.chunkRows = hasRowids ? Chunk.usualRows : 1 + Int(seed % 40)
            let done = try await answered(fixture)
            let count = try #require(done.outcome.tables["t"])
            #expect(count.read == rows && count.loaded + count.rejected == rows)
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            try await compare(file, database, columns, done)
        }
    }

    private static func key(_ random: inout SeededRandom) -> String {
        ["c0", "id"].map { column in
            let collation = random.pick(["", "", "COLLATE NOCASE", "COLLATE RTRIM", "COLLATE BINARY"])
            return "\(column) \(collation) \(random.pick(["", "DESC"]))"
        }.joined(separator: ", ")
    }

    /// A column whose times have several units is asked about; here they stay numbers.
    private func answered(_ fixture: ImportFixture) async throws -> ImportFixture.Done {
        do {
            return try await fixture.run()
        } catch let failure as ImportFailure where failure.diagnostics.allSatisfy({ $0.code == "mixed-units" }) {
            var fixture = fixture
            let columns = failure.diagnostics.map { "\($0.object.dropFirst("column t.".count)): { type: bigint }" }
            fixture.mapping = "tables: { t: { columns: { \(columns.joined(separator: ", ")) } } }"
            return try await fixture.run()
        }
    }

    /// Every row that is not in the rejects, value by value; and every row of the rejects is not in the target.
    private func compare(
        _ file: SQLiteFile, _ database: TestDatabase, _ columns: [String], _ done: ImportFixture.Done
    ) async throws {
        let rejected = Set(
            done.rejects.compactMap { reject in
                if let rowid = reject["rowid"] { return Int(rowid.description) }
                guard case .string(let id) = reject["key"]?["id"] else { return nil }
                return Int(id)
            })
        let list = columns.joined(separator: ", ")
        let quoted = columns.map { "hex(\($0))" }.joined(separator: ", ")
        let source = try await file.queue.read {
            try Row.fetchAll($0, sql: "SELECT id, \(quoted), \(list) FROM t ORDER BY id")
        }
        try await database.with { connection in
            let types = try await connection.query(
                "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
            ).reduce(into: [String: String]()) { $0[try $1.string("attname")] = try $1.string("type") }
            try await connection.execute("SET extra_float_digits = 3; SET TimeZone = 'UTC'; SET bytea_output = hex")
            let target = try await connection.query("SELECT id, \(list) FROM t")
            var found: [Int: PostgresDriver.Row] = [:]
            for row in target { found[try row.int("id")] = row }
            for row in source {
                let id: Int = row["id"]
                guard !rejected.contains(id) else {
                    #expect(found[id] == nil, "row \(id) is in the rejects and was loaded")
                    continue
                }
                guard let loaded = found[id] else {
                    Issue.record("row \(id) is neither loaded nor rejected")
                    continue
                }
                for (index, column) in columns.enumerated() {
                    let value: DatabaseValue = row[index + 1 + columns.count]
                    let arrived = try loaded.optionalString(column)
                    let whole: String = row[index + 1] ?? ""
                    let isSame = try await Equivalence.holds(value, whole, arrived, types[column] ?? "", file)
                    #expect(
                        isSame, "row \(id).\(column) (\(types[column] ?? "")): \(value) became \(arrived ?? "NULL")")
                }
            }
        }
    }
}

/// Values as SQL of SQLite.
private enum Value {
    static let kinds = 22

    static func sql(_ kind: Int, _ random: inout SeededRandom) -> String {
        switch kind {
        case 0: "NULL"
        case 1: "\(random.below(2))"
        case 2: "\(Int.random(in: -1000...1000, using: &random))"
        case 3:
            random.pick(["9223372036854775807", "-9223372036854775808", "9007199254740993", "2147483648", "-32769"])
        case 4: "\(1_600_000_000 + random.below(100_000_000))"
        case 5: "\(1_600_000_000_000 + random.below(1_000_000_000))"
        case 6: "\(Double.random(in: -1e6...1e6, using: &random))"
        case 7:
            random.pick([
                "0.1", "1e300", "-1e-300", "0.30000000000000004", "9e999", "-9e999", "5e-324", "3.0", "2459580.5",
            ])
        case 8:
            "'\(random.pick(["", "x", "hello", "Ünïcödé ☃ 😀", "a\tb", "back\\slash", "quote''d", "\n", "  ", "\\N", "\\."]))'"
        case 9: "'\(random.pick(["2024-02-29", "1999-12-31", "0001-01-01", "9999-12-31"]))'"
        case 10:
            "'\(random.pick(["2024-02-29 12:34:56", "2024-01-01T00:00:00.123", "1969-12-31 23:59:59.999999", "2024-02-29 10:00"]))'"
        case 11: "'\(random.pick(["2024-02-29T12:34:56Z", "2024-02-29 12:34:56.5+02:00", "2024-02-29 12:34:56-0330"]))'"
        case 12: "'\(random.pick(["2023-02-29", "2024-13-01", "24:00:00", "2024-02-29 25:00:00", "10:11:60"]))'"
        case 13: "'\(random.pick(["10:11:12", "23:59", "00:00:00.5"]))'"
        case 14:
            "'\(random.pick(["{\"a\": 1, \"bb\": [1.50, null, true]}", "[]", "{\"b\":1,\"a\":\"\\u00e4\"}", "\"text\"", "[1e3,-0,0.10]"]))'"
        case 15: "'\(random.pick(["{broken", "[1,", "{\"a\":1,\"a\":2}", "{''a'':1}"]))'"
        case 16:
            "'\(random.pick(["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "d41d8cd98f00b204e9800998ecf8427e"]))'"
        case 17: "x'\((0..<random.below(20)).map { _ in String(format: "%02x", random.below(256)) }.joined())'"
        case 18: "CAST(x'61006200' AS TEXT)"
        case 19: "CAST(x'\(random.pick(["ff", "c3", "e28098ff", "f8888080", "eda080"]))' AS TEXT)"
        case 20:
            "'\(random.pick(["12", "-7", "00123", "12.50", "1e5", "123456789012345678901234567890", "0.1234567890123456789"]))'"
        default: "'\(random.pick(["true", "false", "t", "No", "YES", "on"]))'"
        }
    }
}

/// Whether a value of PostgreSQL, as its text, is the value of SQLite.
private enum Equivalence {
    static func holds(
        _ value: DatabaseValue, _ whole: String, _ arrived: String?, _ type: String, _ file: SQLiteFile
    ) async throws -> Bool {
        guard let arrived else { return value.isNull }
        switch value.storage {
        case .null: return false
        case .int64(let number): return try await integer(number, arrived, type, file)
        case .double(let number): return try await real(number, arrived, type, file)
        // Only SQLite itself gives all of a text with NUL in it: as hexadecimal.
        case .string where type == "bytea": return arrived.lowercased() == "\\x" + whole.lowercased()
        case .string: return try await text(value, arrived, type, file)
        case .blob(let data): return type == "uuid" ? hex(data) == plain(arrived) : arrived == "\\x" + hex(data)
        }
    }

    private static func integer(
        _ number: Int64, _ arrived: String, _ type: String, _ file: SQLiteFile
    ) async throws -> Bool {
        switch type {
        case "boolean": return arrived == (number == 1 ? "t" : "f")
        case "double precision", "real":
            return Double(arrived) == Double(number) && Int64(exactly: Double(number)) == number
        case _ where type.hasPrefix("numeric"): return Decimal(string: arrived) == Decimal(number)
        case _ where type.hasPrefix("timestamp") || type == "date":
            let unit: Double =
                number.magnitude > 100_000_000_000_000 ? 1e6 : number.magnitude > 50_000_000_000 ? 1e3 : 1
            // Which unit is told by the column, so small numbers may count any: each is tried.
            for unit in [unit, 1e3, 1e6, 1] where abs(try await epoch(arrived, file) - Double(number) / unit) < 0.0005 {
                return true
            }
            return false
        default: return arrived == String(number)
        }
    }

    private static func real(
        _ number: Double, _ arrived: String, _ type: String, _ file: SQLiteFile
    ) async throws -> Bool {
        if type.hasPrefix("timestamp") || type == "date" {
            let seconds = (number - 2_440_587.5) * 86_400
            let epoch = try await epoch(arrived, file)
            return abs(epoch - seconds) < 0.002 || abs(epoch - number) < 0.000_01
        }
        return Double(arrived == "Infinity" ? "inf" : arrived == "-Infinity" ? "-inf" : arrived) == number
    }

    private static func text(
        _ value: DatabaseValue, _ arrived: String, _ type: String, _ file: SQLiteFile
    ) async throws -> Bool {
        switch type {
        case "jsonb", "json":
            let (left, right) = (try json(String.fromDatabaseValue(value) ?? ""), try json(arrived))
            return (left as? NSObject)?.isEqual(right) ?? false
        default: break
        }
        let text = String.fromDatabaseValue(value) ?? ""
        switch type {
        case "boolean": return ["true", "t", "yes", "y", "on"].contains(text.lowercased()) == (arrived == "t")
        case "uuid": return plain(text) == plain(arrived)
        case "double precision", "real": return Double(text) == Double(arrived)
        case "bigint": return text == arrived
        case _ where type.hasPrefix("numeric"): return Decimal(string: text) == Decimal(string: arrived)
        case _ where type.hasPrefix("timestamp") || type == "date":
            return abs(try await epoch(text, file) - epoch(arrived, file)) < 0.0005
        case _ where type.hasPrefix("time"):
            return abs(try await epoch("2000-01-01 " + text, file) - epoch("2000-01-01 " + arrived, file)) < 0.0005
        default: return text == arrived
        }
    }

    /// Seconds since 1970, by SQLite's own reading of a time.
    private static func epoch(_ text: String, _ file: SQLiteFile) async throws -> Double {
        // SQLite reads +02:00 only, and only without a space: PostgreSQL writes +00.
        var text = text.hasSuffix("+00") ? text + ":00" : text
        if text.hasSuffix("-0330") { text = String(text.dropLast(2)) + ":30" }
        return try await file.queue.read { [text] in
            try Double.fetchOne($0, sql: "SELECT (julianday(?) - 2440587.5) * 86400.0", arguments: [text])
        } ?? .nan
    }

    private static func json(_ text: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    private static func hex(_ data: Data) -> String { data.map { String(format: "%02x", $0) }.joined() }
    private static func plain(_ uuid: String) -> String { uuid.lowercased().filter { $0 != "-" } }
}
