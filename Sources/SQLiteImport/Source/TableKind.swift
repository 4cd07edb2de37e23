import GRDB

/// What SQLite says of a table, and of those of modules that are not loaded, what is known.
enum TableKind {
    case ordinary, virtual, shadow

    static func all(_ db: Database, _ entries: [SchemaEntry]) throws -> [String: TableKind] {
        var kinds: [String: TableKind] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT name, type FROM pragma_table_list WHERE schema = 'main'") {
            guard let name = String.fromDatabaseValue(row[0]) else { continue }
            switch String.fromDatabaseValue(row[1]) {
            case "virtual": kinds[name] = .virtual
            case "shadow": kinds[name] = .shadow
            default: kinds[name] = .ordinary
            }
        }
        for (entry, module) in modules(entries) {
            kinds[entry.name] = .virtual
            // Without its module, SQLite takes them for ordinary tables.
            for suffix in shadowSuffixes[module.asciiLowercased] ?? [] {
                let shadow = "\(entry.name)_\(suffix)"
                if kinds[shadow] == .ordinary { kinds[shadow] = .shadow }
            }
        }
        return kinds
    }

    private static func modules(_ entries: [SchemaEntry]) -> [(SchemaEntry, String)] {
        entries.compactMap { entry in
            guard entry.isTable, let sql = entry.sql, let module = TableDefinitionReader.module(of: sql) else {
                return nil
            }
            return (entry, module)
        }
    }

    /// Of the modules that come with SQLite's sources.
    private static let shadowSuffixes: [String: [String]] = [
        "fts3": ["content", "segments", "segdir", "docsize", "stat"],
        "fts4": ["content", "segments", "segdir", "docsize", "stat"],
        "fts5": ["data", "idx", "content", "docsize", "config"],
        "rtree": ["node", "rowid", "parent"],
        "rtree_i32": ["node", "rowid", "parent"],
        "geopoly": ["node", "rowid", "parent"],
    ]
}
