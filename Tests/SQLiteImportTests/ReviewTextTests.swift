import Foundation
import Planning
import SQLiteImport
import Testing

/// A review as a person reads it in a terminal of 80 columns.
@Suite struct ReviewTextTests {
    private func text(_ sql: String) async throws -> String {
        let file = try SQLiteFile(sql)
        let site = try await ImportSite.open(ImportRequest(file.path), target: nil) { _ in }
        return ReviewText(TextStyle(width: 80)).render(site.review)
    }

    /// As one line, since where lines break is not what is tested.
    private func flat(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

    @Test func `What a column of several forms holds, what is rejected of how many, and what to do`() async throws {
        let rows = (1...40).map { "(\($0), \($0 % 2 == 0 ? "'2025-01-0\(1 + $0 % 9)'" : "\(1_735_689_600 + $0)"))" }
        let text = try await text(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, placed DATETIME, fee DECIMAL(10,2));
            INSERT INTO t (id, placed) VALUES \(rows.joined(separator: ", "));
            UPDATE t SET fee = id + 0.5; UPDATE t SET fee = 'free' WHERE id = 7;
            """)
        let flat = flat(text)
        #expect(flat.contains("1 table, 40 rows to load"), "\(text)")
        #expect(flat.contains("placed has integers like Unix seconds: 20; texts of days: 20"), "\(text)")
        #expect(flat.contains("t.fee: 1 value of 40 (texts, such as rowid 7): not a number"), "\(text)")
        #expect(flat.contains("at most 1, and go to a file of rejects. --max-rejects 1 accepts that"), "\(text)")
        let lines = text.components(separatedBy: "\n").dropFirst()
        #expect(lines.filter { $0.count > 80 }.isEmpty, "\(text)")
    }

    @Test func `Objects with one reason are told together, the first five by name`() async throws {
        let views = (1...7).map { "CREATE VIEW v\($0) AS SELECT 1;" }.joined()
        let text = flat(try await text("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1); \(views)"))
        #expect(text.contains("1 table, 1 row to load"), "\(text)")
        #expect(text.contains("- view v1, v2, v3, v4, v5 and 2 more: "), "\(text)")
        #expect(text.components(separatedBy: "CREATE VIEW with").count == 2, "\(text)")
    }

    @Test func `Whole numbers named like times are hinted at, and stay numbers`() async throws {
        let sql = """
            CREATE TABLE t (id INTEGER PRIMARY KEY, created_at INTEGER, phone INTEGER, stored_at INTEGER);
            INSERT INTO t VALUES (1, 1735689600, 1735689600, 1), (2, NULL, 1735689601, 1735689600), (3, 1735689605, 1, 2);
            """
        let text = flat(try await text(sql))
        #expect(
            text.contains(
                "created_at: all 2 values look like Unix time: { type: timestamptz, unit: seconds } in a mapping"),
            "\(text)")
        #expect(text.components(separatedBy: "Unix time").count == 2, "neither phone nor a column of other numbers")
        #expect(text.contains("created_at bigint"), "\(text)")
    }
}
