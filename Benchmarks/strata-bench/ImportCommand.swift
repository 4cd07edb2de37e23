import ArgumentParser
import Foundation
import Planning

/// What an import of a SQLite file costs, beside `psql \copy` of the same rows as CSV and beside pgloader.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "strata import sqlite, psql's \\copy and pgloader.",
        discussion: "Needs the programs sqlite3, psql and pgloader; what is not there is left out, and said.")

    @Option(help: ArgumentHelp("A superuser's connection string; a database is made on the server.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("Where the files go.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("How often each is measured, 1 to 20.", valueName: "number"))
    var rounds = 3
    @Option(help: ArgumentHelp("Rows of ten columns, 1000 to 100000000.", valueName: "number"))
    var rows = 1_000_000
    @Option(
        help: ArgumentHelp(
            "Rows of the large file, of which strata's memory alone is shown; 0 for none.", valueName: "number"))
    var largeRows = 10_000_000
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    func validate() throws {
        guard 1...20 ~= rounds else { throw ValidationError("--rounds must be from 1 to 20") }
        guard 1_000...100_000_000 ~= rows, 0...100_000_000 ~= largeRows else {
            throw ValidationError("rows must be from 1000 to 100000000")
        }
    }

    func run() async throws {
        let interruption = Interruption()
        let server = BenchServer(url: url)
        let files = try ImportFiles(folder: folder, rows: rows)
        var lines = try await ImportTime(rounds: rounds, files: files).run(server, interruption)
        if largeRows > 0 {
            files.remove()
            let large = try ImportFiles(folder: folder, rows: largeRows, hasCSV: false)
            lines += try await ImportTime(rounds: 1, files: large).memory(server, interruption)
            large.remove()
        } else {
            files.remove()
        }
        try await server.drop(ImportTime.database)
        print(ResultLine.table(lines))
        print("median of \(rounds)")
        for line in lines where line.isMet == false {
            print("missed: \(line.what.drop { $0 == " " }): \(line.figure), target \(line.target ?? "")")
        }
        try ResultLine.append(lines, to: results)
    }
}

/// A SQLite file with one table, and the same rows as CSV.
struct ImportFiles {
    let database: String
    let csv: String
    let rows: Int

    static let table = """
        CREATE TABLE orders (id bigint, customer bigint NOT NULL, status text NOT NULL, placed timestamptz NOT NULL,
            total double precision NOT NULL, note text, paid boolean NOT NULL, reference text, quantity bigint,
            description text)
        """

    /// Made by sqlite3 itself, about 190 bytes a row; the same for the same number of rows.
    init(folder: String, rows: Int, hasCSV: Bool = true) throws {
        (database, csv) = ("\(folder)/orders.db", "\(folder)/orders.csv")
        self.rows = rows
        remove()
        progress("  making \(grouped(rows)) rows")
        try Self.sqlite(
            """
            PRAGMA journal_mode = off; PRAGMA synchronous = off;
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, status TEXT NOT NULL,
                placed DATETIME NOT NULL, total REAL NOT NULL, note TEXT, paid BOOLEAN NOT NULL, reference TEXT,
                quantity INTEGER, description TEXT);
            WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
            INSERT INTO orders SELECT i, i * 7919 % 199999, substr('new paidsentdone', i % 4 * 4 + 1, 4), 1700000000000 + i * 1009,
                (i * 48271 % 1000003) / 100.0, CASE WHEN i % 5 THEN 'note number ' || i || ', written by hand' END, i % 2,
                printf('%08x%08x%08x%08x', i * 48271 % 4294967291, i * 69621 % 4294967291, i * 40692 % 4294967291, i),
                i % 97, 'the quick brown fox jumps over the lazy dog, order ' || i || ' of many, to be sent soon'
            FROM n;
            """, database)
        guard hasCSV else { return }
        // Times as PostgreSQL takes them: \\copy converts nothing.
        try Self.sqlite(
            """
            .mode csv
            .output \(csv)
            SELECT id, customer, status, strftime('%Y-%m-%d %H:%M:%f+00', placed / 1000.0, 'unixepoch'), total, note, paid, reference,
                quantity, description FROM orders;
            """, database)
    }

    private static func sqlite(_ script: String, _ database: String) throws {
        let file = database + ".sql"
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        try ChildRun.mustRun(["bash", "-c", "sqlite3 -bail \"$1\" <\"$2\"", "bash", database, file])
    }

    func remove() {
        for file in [database, csv] { try? FileManager.default.removeItem(atPath: file) }
    }
}
