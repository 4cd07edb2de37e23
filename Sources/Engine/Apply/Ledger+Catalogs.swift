import Planning
import PostgresDriver

/// The canonical lines of the catalog that a run began with: what a resumed run and an undone one are compared with.
extension Ledger {
    /// Larger catalogs (about 200,000 tables) are not kept: bytes.
    static let largestCatalog = 256 << 20

    func keep(_ catalog: Catalog, of run: Int) async throws {
        let lines = catalog.canonicalLines()
        guard lines.reduce(0, { $0 + $1.utf8.count + 1 }) <= Self.largestCatalog else { return }
        _ = try await connection.query(
            "INSERT INTO strata.catalogs (run, lines) VALUES ($1, $2) ON CONFLICT (run) DO NOTHING",
            [.int(run), .text(lines.joined(separator: "\n"))])
    }

    /// nil where none were kept.
    func catalogLines(before run: Int) async throws -> [String]? {
        try await connection.query("SELECT lines FROM strata.catalogs WHERE run = $1", [.int(run)]).first?
            .string("lines").split(separator: "\n", omittingEmptySubsequences: true).map { String($0) }
    }

    /// Nothing is compared with them any more.
    func forgetCatalog(of run: Int) async throws {
        _ = try await connection.query("DELETE FROM strata.catalogs WHERE run = $1", [.int(run)])
    }
}
