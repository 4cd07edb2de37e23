import PostgresDriver
import TestSupport
import Testing

@testable import Proxy

/// A schema that is being split off is served from where it was, whatever its new database has of it already.
@Suite("Proxy: schemas on their way")
struct StillHereTests {
    @Test(
        "Served from the main database while it has not left, and while a split copies it; there, once the copy is its own"
    )
    func stages() async throws {
        try await withTestDatabase("here") { main in
            try await withTestDatabase("there") { other in
                try await main.execute("CREATE SCHEMA audit; CREATE TABLE audit.events (id int)")
                func stillHere() async throws -> Set<String> {
                    let (first, second) = (try await main.connect(), try await other.connect())
                    let catalogs = [try await RoutingCatalog.load(first), try await RoutingCatalog.load(second)]
                    await first.close()
                    await second.close()
                    return StillHere.schemas(["audit": 1, "public": 0], catalogs: catalogs)
                }
                #expect(try await stillHere() == ["audit"])
                // As strata split makes it.
                try await other.execute(
                    "CREATE SCHEMA strata; CREATE TABLE strata.incoming (schema text); INSERT INTO strata.incoming VALUES ('audit'); CREATE SCHEMA audit; CREATE TABLE audit.events (id int)"
                )
                #expect(try await stillHere() == ["audit"])
                try await other.execute("DELETE FROM strata.incoming")
                #expect(try await stillHere() == [])
                // The record where it leaves counts by itself.
                try await main.execute(
                    "CREATE SCHEMA strata; CREATE TABLE strata.splits (schema text, state text); INSERT INTO strata.splits VALUES ('audit', 'copying')"
                )
                #expect(try await stillHere() == ["audit"])
                try await main.execute("UPDATE strata.splits SET state = 'cancelled'")
                #expect(try await stillHere() == [])
            }
        }
    }
}
