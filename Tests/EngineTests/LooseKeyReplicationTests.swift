import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// A parent on its way to another database by a real subscription.
@Suite("Loose keys: replication")
struct LooseKeyReplicationTests {
    @Test("S1.27 what a subscription deletes at the parent's new home is written down there too, and done once")
    func subscription() async throws {
        try await ReplicationCluster.with(replicas: 0, settings: ["wal_level": "logical"]) { cluster in
            for name in ["source", "target"] { try await cluster.execute(0, "CREATE DATABASE \(name)") }
            let source = try await Connection.open(cluster.settings(of: 0, ["dbname": "source"]))
            let target = try await Connection.open(cluster.settings(of: 0, ["dbname": "target"]))
            let databases = LooseKeyDatabases(
                [
                    .init(name: "main", settings: .success(source.settings)),
                    .init(name: "other", settings: .success(target.settings)),
                ], command: "split keys")
            try await source.execute(LooseKeyFixture.pile)
            _ = try await LooseKeyReplacement(databases).replace([LooseKeyFixture.key(onUpdate: .update)])
            try await target.execute(
                """
                CREATE SCHEMA people; \(LooseKeyFixture.movedUsers);
                CREATE FUNCTION public.guarded() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'guarded'; END$$;
                CREATE TRIGGER strata_guard BEFORE INSERT OR UPDATE OR DELETE ON people.users EXECUTE FUNCTION public.guarded()
                """)
            try await LooseKeyInstaller(target).carry(schema: "people", from: source)
            try await source.execute("CREATE PUBLICATION moving FOR TABLE people.users")
            // By itself: CREATE SUBSCRIPTION waits for ever for a slot of its own server.
            _ = try await source.query("SELECT pg_create_logical_replication_slot('moving', 'pgoutput')")
            var components = try #require(URLComponents(string: cluster.url(of: 0)))
            components.path = "/source"
            let url = try #require(components.string)
            try await target.execute(
                "CREATE SUBSCRIPTION moving CONNECTION '\(url)' PUBLICATION moving WITH (create_slot = false, slot_name = 'moving')"
            )
            try await eventually("the copy is there") {
                try await target.query("SELECT bool_and(srsubstate = 'r') AS ready FROM pg_subscription_rel").only()
                    .optionalBool("ready") == true
            }
            try await source.execute(
                "DELETE FROM people.users WHERE id IN (1, 2); UPDATE people.users SET id = 30 WHERE id = 3")
            let queue =
                "SELECT action || ' ' || old_values::text AS entry FROM strata.loose_key_queue ORDER BY position"
            let expected = ["delete {1}", "delete {2}", "update {3}"]
            #expect(try await source.query(queue).map { try $0.string("entry") } == expected)
            try await eventually("they are written down at the target") {
                try await target.query(queue).map { try $0.string("entry") } == expected
            }
            let tally = try await LooseKeyWorker(databases).runOnce()
            #expect(tally.entries == 6 && tally.rows == 15 && tally.failures == 0 && tally.returned == 0)
            let left = try await source.query(
                "SELECT count(*) FILTER (WHERE user_id = 30) AS followed, count(*) AS all FROM audit.events"
            ).only()
            #expect(try left.int("followed") == 5 && left.int("all") == 90)
            try await target.execute("ALTER SUBSCRIPTION moving DISABLE")
            try await target.execute("ALTER SUBSCRIPTION moving SET (slot_name = NONE)")
            try await target.execute("DROP SUBSCRIPTION moving")
            await databases.close()
            await source.close()
            await target.close()
        }
    }
}
