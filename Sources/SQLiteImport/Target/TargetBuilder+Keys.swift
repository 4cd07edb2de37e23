import SQLSyntax

/// PRIMARY KEY and UNIQUE, made after the rows.
extension TargetBuilder {
    /// PostgreSQL's limit on the columns of an index.
    static let maxKeys = 32

    mutating func keys(of pair: TablePair) {
        primaryKey(of: pair)
        for index in pair.source.indexes where index.origin == .unique {
            let columns = index.keys.compactMap(\.column)
            constraint(.unique, "UNIQUE", columns, index, named: index.constraint, pair)
        }
    }

    private mutating func primaryKey(of pair: TablePair) {
        let table = pair.source
        guard !table.primaryKey.isEmpty else { return }
        let index = table.indexes.first { $0.origin == .primaryKey }
        guard !keysWithNull.contains(table.name) || table.rowidAlias != nil else {
            note(
                .primaryKey, pair.name, of: table.name,
                "it holds NULL, which SQLite allows and PostgreSQL does not: it becomes UNIQUE")
            constraint(.unique, "UNIQUE", table.primaryKey, index, named: table.keyName, pair)
            return
        }
        constraint(.primaryKey, "PRIMARY KEY", table.primaryKey, index, named: table.keyName, pair)
        let isOpen = table.primaryKey.filter { name in
            !table.isWithoutRowid && !table.isStrict && table.rowidAlias == nil
                && table.column(name)?.isNotNull == false
        }
        if !isOpen.isEmpty {
            note(
                .primaryKey, pair.name, of: table.name,
                "SQLite would take NULL in \(isOpen.joined(separator: ", ")); PostgreSQL refuses it")
        }
    }

    /// A key that PostgreSQL can have as a constraint; by a collation of SQLite's, it is an index on what that one compares.
    private mutating func constraint(
        _ kind: TargetObject.Kind, _ words: String, _ columns: [String], _ index: SourceIndex?, named own: String?,
        _ pair: TablePair
    ) {
        let table = pair.source.name
        let sql = "\(words) (\(columns.joined(separator: ", ")))"
        guard let mapped = self.columns(columns, of: pair, kind, sql) else { return }
        let isFolded =
            index?.keys.contains { $0.collation.asciiLowercased != "binary" && isText($0.column, pair) } == true
        if isFolded, let index { uniqueIndex(index, named: own, pair) }
        // The exact key is weaker than the folded one and still what rows are known by.
        guard !isFolded || kind == .primaryKey else { return }
        let usual =
            kind == .primaryKey
            ? "\(pair.mapping.name)_pkey" : "\(pair.mapping.name)_\(mapped.joined(separator: "_"))_key"
        let name = names.take(own ?? usual, at: pair.schema, pair.place)
        if let own, own != name { note(kind, name, of: table, "called \(own) in SQLite") }
        let list = mapped.map(SQL.identifier).joined(separator: ", ")
        add(
            .keys, TargetObject(kind, SQL.qualified(pair.mapping.schema, name)), pair,
            "ALTER TABLE \(pair.name) ADD CONSTRAINT \(SQL.identifier(name)) \(words) (\(list))",
            undo: "ALTER TABLE \(pair.name) DROP CONSTRAINT \(SQL.identifier(name))")
        self.keys[table, default: []].insert(Set(columns.map(\.asciiLowercased)))
    }

    /// Names in PostgreSQL; nil, and said, where one is not there or has no order.
    mutating func columns(
        _ names: [String], of pair: TablePair, _ kind: TargetObject.Kind, _ sql: String
    ) -> [String]? {
        let found = names.compactMap { name in pair.source.column(name).flatMap { pair.mapping.column($0.name) } }
        var reason: String?
        if found.count < names.count || names.isEmpty {
            reason = "not all of its columns are carried over"
        } else if found.count > Self.maxKeys {
            reason = "it has \(found.count) columns; PostgreSQL's have at most \(Self.maxKeys)"
        } else if let json = found.first(where: { $0.type == .json }) {
            reason = "\(json.source) becomes json, which PostgreSQL cannot compare"
        }
        guard let reason else { return found.map(\.name) }
        leave(
            kind, pair.source.name, of: pair.source.name, reason, sql: sql,
            nextStep: "change the mapping, or make it by hand in PostgreSQL")
        return nil
    }

    func isText(_ column: String?, _ pair: TablePair) -> Bool {
        guard let column, let mapped = pair.source.column(column).flatMap({ pair.mapping.column($0.name) }) else {
            return false
        }
        return TargetPiece.Kind(mapped.type) == .text
    }

    /// For a UNIQUE or PRIMARY KEY that compares by NOCASE or RTRIM.
    private mutating func uniqueIndex(_ index: SourceIndex, named own: String?, _ pair: TablePair) {
        var folded = index
        folded.isUnique = true
        let columns = index.keys.compactMap(\.column).joined(separator: "_")
        folded.name = own ?? "\(pair.mapping.name)_\(columns)_key"
        self.index(folded, pair)
    }
}
