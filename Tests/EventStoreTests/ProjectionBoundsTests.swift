import Testing

@testable import EventStore

/// What a projection's statements may touch, so that it can be rebuilt beside the live read model.
@Suite("Events: bounds of projections")
struct ProjectionBoundsTests {
    private let bounds = ProjectionBounds(schema: "readmodels", tables: ["animals", "Sponsorships"])

    @Test(
        "Its own tables, and what others only give",
        arguments: [
            "INSERT INTO animals (id) VALUES (:key) ON CONFLICT (id) DO UPDATE SET n = animals.n + 1",
            "UPDATE \"Sponsorships\" SET amount = b.price FROM public.breed b WHERE b.id = :payload.breed",
            "WITH gone AS (DELETE FROM animals WHERE id = :key RETURNING *) INSERT INTO \"Sponsorships\" SELECT * FROM gone",
            "SELECT 1 FROM other_schema.things",
        ])
    func allowed(_ text: String) throws { _ = try ProjectionStatement.parse(text, within: bounds) }

    @Test(
        "Anything else is refused with its line",
        arguments: [
            ("INSERT INTO readmodels.animals (id) VALUES (:key)", 1, "leave the schema of readmodels.animals out"),
            ("SELECT 1;\nSELECT count(*) FROM readmodels.animals", 2, "leave the schema"),
            ("UPDATE public.users SET n = 1", 1, "writes into public.users"),
            ("DELETE FROM breed", 1, "no table of this projection"),
            ("SELECT 1;\n\nWITH x AS (INSERT INTO log VALUES (1) RETURNING 1) SELECT * FROM x", 3, "writes into log"),
        ])
    func refused(_ text: String, _ line: Int, _ says: String) {
        do {
            _ = try ProjectionStatement.parse(text, within: bounds)
            Issue.record("\(text) is not refused")
        } catch {
            #expect(error.line == line && error.message.contains(says), "\(error)")
        }
    }
}
