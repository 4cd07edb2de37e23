import SQLSyntax

/// References, made last: NOT VALID, then validated.
extension TargetBuilder {
    mutating func foreignKeys(of pair: TablePair) {
        for key in pair.source.foreignKeys {
            do throws(Obstacle) {
                try foreignKey(key, pair)
            } catch {
                leave(
                    .foreignKey, key.name ?? pair.source.name, of: pair.source.name, error.reason, sql: words(key),
                    nextStep: error.nextStep)
            }
        }
    }

    private struct Obstacle: Error {
        var reason: String
        var nextStep: String
    }

    private mutating func foreignKey(_ key: SourceForeignKey, _ pair: TablePair) throws(Obstacle) {
        let parent = try parent(of: key)
        let names = key.parentColumns.isEmpty ? parent.source.primaryKey : key.parentColumns
        guard names.count == key.columns.count, !names.isEmpty else {
            throw Obstacle(
                reason: "it refers to the primary key of \(key.parent), which has \(names.count) columns",
                nextStep: "name the columns that are meant")
        }
        let children = try columns(key.columns, pair), parents = try columns(names, parent)
        try checkTypes(children, parents, pair, parent)
        try checkActions(key, pair)
        guard keys[parent.source.name]?.contains(Set(names.map(\.asciiLowercased))) == true else {
            throw Obstacle(
                reason:
                    "PostgreSQL has no unique key on (\(names.joined(separator: ", "))) of \(key.parent), to which it refers",
                nextStep: "make one, then the foreign key by hand")
        }
        guard children.count <= Self.maxKeys else {
            throw Obstacle(
                reason: "it has \(children.count) columns; PostgreSQL's have at most \(Self.maxKeys)",
                nextStep: "leave it out")
        }
        addStatements(key, pair, parent, children.map(\.name), parents.map(\.name))
    }

    private func parent(of key: SourceForeignKey) throws(Obstacle) -> TablePair {
        let name = key.parent.asciiLowercased
        if let parent = (pairs + parents).first(where: { $0.source.name.asciiLowercased == name }) { return parent }
        if source.tables.contains(where: { $0.name.asciiLowercased == name }) {
            throw Obstacle(
                reason: "it refers to \(key.parent), which the mapping skips", nextStep: "import \(key.parent), too")
        }
        throw Obstacle(
            reason: "it refers to \(key.parent), which the file does not have as a table",
            nextStep: "take it out of the application's schema")
    }

    private func columns(_ names: [String], _ pair: TablePair) throws(Obstacle) -> [ColumnMapping] {
        var columns: [ColumnMapping] = []
        for name in names {
            guard let column = pair.source.column(name).flatMap({ pair.mapping.column($0.name) }) else {
                throw Obstacle(
                    reason: "column \(pair.source.name).\(name) is not carried over", nextStep: "add it to the mapping")
            }
            columns.append(column)
        }
        return columns
    }

    /// PostgreSQL compares both sides with the parent's `=`, without a conversion that could fail.
    private func checkTypes(
        _ children: [ColumnMapping], _ parents: [ColumnMapping], _ pair: TablePair, _ parent: TablePair
    ) throws(Obstacle) {
        for (child, other) in zip(children, parents) where !comparesAlike(child.type, other.type) {
            throw Obstacle(
                reason:
                    "\(pair.source.name).\(child.source) becomes \(child.type.sql) and \(parent.source.name).\(other.source) "
                    + "\(other.type.sql), which PostgreSQL does not compare",
                nextStep: "give both columns one type in the mapping")
        }
    }

    private func comparesAlike(_ child: TargetType, _ parent: TargetType) -> Bool {
        if child == parent { return child != .json }
        return switch (TargetPiece.Kind(child), TargetPiece.Kind(parent)) {
        case (.integer, .integer), (.text, .text), (.numeric, .numeric), (.integer, .numeric): true
        default:
            switch (child, parent) {
            case (.timestamp, .timestamp), (.timestamptz, .timestamptz): true
            default: false
            }
        }
    }

    private func checkActions(_ key: SourceForeignKey, _ pair: TablePair) throws(Obstacle) {
        let isGenerated = key.columns.contains { target.generated[pair.source.name]?.contains($0) == true }
        let sets = key.onUpdate != "NO ACTION" && key.onUpdate != "RESTRICT" || key.onDelete.hasPrefix("SET")
        guard isGenerated, sets else { return }
        throw Obstacle(
            reason: "it would set a generated column, which PostgreSQL refuses", nextStep: "make it without that action"
        )
    }

    private mutating func addStatements(
        _ key: SourceForeignKey, _ pair: TablePair, _ parent: TablePair, _ children: [String], _ parents: [String]
    ) {
        let usual = "\(pair.mapping.name)_\(children.joined(separator: "_"))_fkey"
        let name = names.take(key.name ?? usual, at: pair.place)
        if let own = key.name, own != name { note(.foreignKey, name, of: pair.source.name, "called \(own) in SQLite") }
        let quoted = SQL.identifier(name)
        var sql =
            "ALTER TABLE \(pair.name) ADD CONSTRAINT \(quoted) FOREIGN KEY (\(children.map(SQL.identifier).joined(separator: ", "))) "
            + "REFERENCES \(parent.name) (\(parents.map(SQL.identifier).joined(separator: ", ")))"
        if key.onUpdate != "NO ACTION" { sql += " ON UPDATE \(key.onUpdate)" }
        if key.onDelete != "NO ACTION" { sql += " ON DELETE \(key.onDelete)" }
        if key.isDeferred { sql += " DEFERRABLE INITIALLY DEFERRED" }
        let object = TargetObject(.foreignKey, SQL.qualified(pair.mapping.schema, name))
        add(
            .foreignKeys, object, pair, sql + " NOT VALID", undo: "ALTER TABLE \(pair.name) DROP CONSTRAINT \(quoted)")
        add(.validation, object, pair, "ALTER TABLE \(pair.name) VALIDATE CONSTRAINT \(quoted)", undo: nil)
    }

    private func words(_ key: SourceForeignKey) -> String {
        let parents = key.parentColumns.isEmpty ? "" : " (\(key.parentColumns.joined(separator: ", ")))"
        return "FOREIGN KEY (\(key.columns.joined(separator: ", "))) REFERENCES \(key.parent)\(parents)"
    }
}
