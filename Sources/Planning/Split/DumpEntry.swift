/// A line of `pg_restore --list`: one object of a dump.
///
/// `3345; 2606 16412 CONSTRAINT audit events events_pkey owner`. Source: PostgreSQL documentation, "pg_restore", `-l`.
package struct DumpEntry: Sendable, Equatable {
    /// As it is in the list, which is how it goes into the list of what is to be restored.
    package var line: String
    /// `TABLE`, `FK CONSTRAINT`, …
    package var kind: String
    package var schema: String
    /// With the table's name before it, where the object is a part of one.
    package var name: String

    /// nil for comments and empty lines.
    package init?(_ line: String) {
        guard let semicolon = line.firstIndex(of: ";"), semicolon != line.startIndex else { return nil }
        let words = line[line.index(after: semicolon)...].split(separator: " ").map(String.init)
        guard words.count >= 5 else { return nil }
        // Kinds are in capitals and of up to three words; a schema's name may be in capitals as well, which no kind is
        // followed by: the longest known kind counts.
        let kind = (1...3).reversed().lazy
            .map { words[2..<min(2 + $0, words.count)].joined(separator: " ") }
            .first { Self.kinds.contains($0) }
        guard let kind else {
            self.init(line: line, kind: words[2], schema: words[3], name: words[4...].dropLast().joined(separator: " "))
            return
        }
        let rest = words[(2 + kind.split(separator: " ").count)...]
        guard let schema = rest.first else { return nil }
        self.init(line: line, kind: kind, schema: schema, name: rest.dropFirst().dropLast().joined(separator: " "))
    }

    private init(line: String, kind: String, schema: String, name: String) {
        self.line = line
        self.kind = kind
        self.schema = schema
        self.name = name
    }

    /// An owner's name may have spaces, and stands behind the object's.
    func isNamed(_ wanted: String) -> Bool { name == wanted || name.hasPrefix(wanted + " ") }

    package static func entries(_ list: String) -> [DumpEntry] {
        list.split(whereSeparator: \.isNewline).compactMap { DumpEntry(String($0)) }
    }

    /// Those of several words. Source: `src/bin/pg_dump/pg_dump.c` of PostgreSQL 13 to 17, descriptions of archive entries.
    private static let kinds: Set<String> = [
        "FK CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT ACL", "TABLE ATTACH", "INDEX ATTACH", "SEQUENCE OWNED BY",
        "SEQUENCE SET", "MATERIALIZED VIEW", "MATERIALIZED VIEW DATA", "TABLE DATA", "ROW SECURITY", "EVENT TRIGGER",
        "FOREIGN TABLE", "FOREIGN SERVER", "USER MAPPING", "SHELL TYPE", "OPERATOR CLASS", "OPERATOR FAMILY",
        "ACCESS METHOD", "TEXT SEARCH PARSER", "TEXT SEARCH DICTIONARY", "TEXT SEARCH TEMPLATE",
        "TEXT SEARCH CONFIGURATION", "PUBLICATION TABLE", "SECURITY LABEL", "BLOB COMMENTS",
    ]
}

/// When each object of a schema is made on the other side.
package struct DumpOrder: Sendable {
    /// Triggers of this name refuse writes on the side that does not own a table.
    package static let guardPrefix = "strata_guard"

    /// Everything that needs no rows.
    package var first: [DumpEntry] = []
    /// Keys, indexes, triggers and the like, once the rows are there: an index that is built at once costs a fraction of
    /// one that grows row by row, and is smaller. Only the stream, which comes later, needs the keys.
    package var afterCopy: [DumpEntry] = []
    /// Foreign keys, once all tables are at the same place in time.
    package var foreignKeys: [DumpEntry] = []

    /// - Parameters:
    ///   - before: the dump's part that stands before the data, `after` the one behind it.
    ///   - identities: names of the indexes that tell rows apart (`REPLICA IDENTITY USING INDEX`).
    ///   - hasSchema: the schema is there already, empty.
    ///   - crossing: `table name` of the foreign keys that lead to what stays.
    package init(
        before: [DumpEntry], after: [DumpEntry], identities: Set<String>, hasSchema: Bool, crossing: Set<String>
    ) {
        first = before.filter { !(hasSchema && $0.kind == "SCHEMA") }
        for entry in after {
            switch entry.kind {
            // Those of loose keys are made where the parent is; guards are each side's own.
            case "TRIGGER"
            where entry.name.contains(" " + LooseKeyTriggers.prefix) || entry.name.contains(" " + Self.guardPrefix):
                break
            case "INDEX" where identities.contains(where: entry.isNamed): first.append(entry)
            case "FK CONSTRAINT": if !crossing.contains(where: entry.isNamed) { foreignKeys.append(entry) }
            default: afterCopy.append(entry)
            }
        }
    }
}
