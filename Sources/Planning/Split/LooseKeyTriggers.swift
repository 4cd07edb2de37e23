internal import SQLSyntax

/// The triggers on a parent that write down what a loose key's worker has to do; see docs/ARCHITECTURE.md, "Loose keys".
/// Pure.
package struct LooseKeyTriggers {
    /// Triggers run in the order of their names: these see what those of the application have made of a row. Not part of a
    /// catalog, like everything that is Strata's own.
    package static let prefix = "zz_strata_loose_"

    package struct Trigger: Sendable, Equatable {
        package var table: LooseKey.Table
        package var name: String
        /// `pg_trigger.tgenabled` that it has to have.
        package var enabled: String
        /// In one transaction.
        package var statements: [String]

        package var drop: String { "DROP TRIGGER IF EXISTS \(SQL.identifier(name)) ON \(table.sql)" }
    }

    let key: LooseKey

    package init(_ key: LooseKey) { self.key = key }

    /// - Parameter partitions: all below a partitioned parent, else none.
    package func all(isPartitioned: Bool, partitions: [LooseKey.Table]) -> [Trigger] {
        var triggers: [Trigger] = []
        for table in [key.parent] + partitions where key.onDelete != .ignore {
            // A statement's triggers are those of the table that it names, and of no other.
            triggers.append(deletion(table))
            triggers.append(truncation(table))
        }
        if key.onDelete != .ignore, !isPartitioned { triggers.append(replication()) }
        if key.onUpdate != .ignore { triggers.append(change(isPartitioned: isPartitioned)) }
        return triggers
    }

    /// All rows of a statement by one INSERT.
    private func deletion(_ table: LooseKey.Table) -> Trigger {
        trigger(
            table, "delete",
            "AFTER DELETE ON @table REFERENCING OLD TABLE AS strata_gone FOR EACH STATEMENT "
                + "EXECUTE FUNCTION strata.record_loose_deletions(\(arguments))")
    }

    /// What a subscription's worker deletes: it fires no statement triggers, and in its role only those that are made for it.
    private func replication() -> Trigger {
        trigger(
            key.parent, "replicated",
            "AFTER DELETE ON @table FOR EACH ROW EXECUTE FUNCTION strata.record_loose_row(\(arguments))",
            enabled: "R")
    }

    /// Row by row: the tables of a statement do not say which new row an old one became. A row that goes from one partition
    /// to another is deleted and inserted there, and only triggers BEFORE UPDATE see both; what they write down of a change
    /// that somebody then prevents, the worker finds to be still there.
    private func change(isPartitioned: Bool) -> Trigger {
        let columns = key.parentColumns.map { SQL.identifier($0) }
        func row(_ name: String) -> String { "ROW(\(columns.map { "\(name).\($0)" }.joined(separator: ", ")))" }
        return trigger(
            key.parent, "update",
            "\(isPartitioned ? "BEFORE" : "AFTER") UPDATE ON @table FOR EACH ROW "
                + "WHEN (\(row("OLD")) IS DISTINCT FROM \(row("NEW"))) "
                + "EXECUTE FUNCTION strata.record_loose_row(\(arguments))",
            enabled: isPartitioned ? "O" : "A")
    }

    private func truncation(_ table: LooseKey.Table) -> Trigger {
        trigger(
            table, "truncate",
            "BEFORE TRUNCATE ON @table FOR EACH STATEMENT EXECUTE FUNCTION strata.refuse_loose_truncate(\(arguments))")
    }

    private var arguments: String {
        ([key.name] + key.parentColumns).map { SQL.literal($0) }.joined(separator: ", ")
    }

    private func trigger(_ table: LooseKey.Table, _ kind: String, _ rest: String, enabled: String = "O") -> Trigger {
        let name = start + kind
        var statements = ["CREATE TRIGGER \(SQL.identifier(name)) \(rest.replacing("@table", with: table.sql))"]
        if enabled != "O" {
            statements.append(
                "ALTER TABLE \(table.sql) ENABLE \(enabled == "R" ? "REPLICA" : "ALWAYS") TRIGGER \(SQL.identifier(name))"
            )
        }
        return Trigger(table: table, name: name, enabled: enabled, statements: statements)
    }

    /// How the names of all triggers of the key begin, on whatever table.
    package var start: String { "\(Self.prefix)\(key.mark)_" }
}
