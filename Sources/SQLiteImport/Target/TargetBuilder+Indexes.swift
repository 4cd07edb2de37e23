import SQLSyntax

/// Indexes of CREATE INDEX, and unique ones that PostgreSQL cannot have as constraints.
extension TargetBuilder {
    mutating func indexes(of pair: TablePair) {
        for index in pair.source.indexes where index.origin == .created { self.index(index, pair) }
    }

    mutating func index(_ index: SourceIndex, _ pair: TablePair) {
        var notes: [String] = []
        let parts: (keys: [String], condition: String?)
        do throws(NotTranslated) {
            if let unread = index.unread { throw NotTranslated("its statement cannot be read: \(unread)") }
            guard index.keys.count <= Self.maxKeys else {
                throw NotTranslated("it has \(index.keys.count) keys; PostgreSQL's have at most \(Self.maxKeys)")
            }
            parts = (try keys(of: index, pair, &notes), try condition(of: index, pair, &notes))
        } catch {
            return leave(index, error.reason, pair)
        }
        let name = names.take(index.name, at: pair.schema)
        if name != index.name, index.origin == .created { notes.append("called \(index.name) in SQLite") }
        let sql =
            "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(SQL.identifier(name)) ON \(pair.name) "
            + "(\(parts.keys.joined(separator: ", ")))" + (parts.condition.map { " WHERE \($0)" } ?? "")
        let qualified = SQL.qualified(pair.mapping.schema, name)
        for text in notes { note(.index, qualified, of: pair.source.name, text) }
        add(
            .indexes, TargetObject(.index, qualified), pair, sql, undo: "DROP INDEX \(qualified)",
            reason: notes.joined(separator: "; "))
        let columns = index.keys.compactMap(\.column)
        let isPlain = columns.count == index.keys.count && !index.keys.contains { isFolded($0, index, pair) }
        if index.isUnique, parts.condition == nil, isPlain {
            self.keys[pair.source.name, default: []].insert(Set(columns.map(\.asciiLowercased)))
        }
    }

    private mutating func leave(_ index: SourceIndex, _ reason: String, _ pair: TablePair) {
        let sql = index.sql ?? "UNIQUE (\(index.keys.compactMap(\.column).joined(separator: ", ")))"
        let rule = index.isUnique ? "; what it kept apart is no longer kept apart" : ""
        leave(
            .index, index.name, of: pair.source.name, reason + rule, sql: sql,
            nextStep: "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX … ON \(pair.name) in PostgreSQL's words")
    }

    private func isFolded(_ key: SourceIndex.Key, _ index: SourceIndex, _ pair: TablePair) -> Bool {
        key.collation.asciiLowercased != "binary" && isText(key.column, pair)
    }

    private func keys(
        of index: SourceIndex, _ pair: TablePair, _ notes: inout [String]
    ) throws(NotTranslated) -> [String] {
        var texts: [String] = []
        for key in index.keys {
            texts.append(try self.key(key, index, pair, &notes) + (key.isDescending ? " DESC" : ""))
        }
        return texts
    }

    private func key(
        _ key: SourceIndex.Key, _ index: SourceIndex, _ pair: TablePair, _ notes: inout [String]
    ) throws(NotTranslated) -> String {
        if let name = key.column {
            let translator = ExpressionTranslator(
                ExpressionTranslation(pair.source, pair.mapping), .key(isUnique: index.isUnique))
            guard let column = translator.column([name]) else {
                throw NotTranslated("column \(name) is not carried over")
            }
            guard column.mapping.type != .json else {
                throw NotTranslated("\(name) becomes json, which PostgreSQL cannot compare")
            }
            return try plain(translator.piece(column), key, index, translator, &notes)
        }
        guard let expression = key.expression else { throw NotTranslated("one of its expressions is not known") }
        switch ExpressionTranslation(pair.source, pair.mapping).translate(
            expression, for: .key(isUnique: index.isUnique))
        {
        case .sql(let sql, let more):
            notes += more
            return "(\(sql))"
        case .implied(let reason), .left(let reason): throw NotTranslated("\(expression): \(reason)")
        }
    }

    /// See the decisions at `TargetDefinition`.
    private func plain(
        _ piece: TargetPiece, _ key: SourceIndex.Key, _ index: SourceIndex, _ translator: ExpressionTranslator,
        _ notes: inout [String]
    ) throws(NotTranslated) -> String {
        let collation = key.collation.asciiLowercased
        guard collation != "binary", piece.kind == .text else { return piece.sql }
        if index.isUnique {
            notes.append("unique by \(key.collation), as in SQLite; PostgreSQL uses it only for the same expression")
            return try translator.folded(piece, key.collation).sql
        }
        if collation == "nocase", piece.column?.source.collation.asciiLowercased != collation {
            notes.append("ordered by lower(), for queries that say so: PostgreSQL has no COLLATE NOCASE")
            return "lower(\(piece.sql))"
        }
        notes.append("by \(key.collation) in SQLite, by the database's collation in PostgreSQL")
        return piece.sql
    }

    private func condition(
        of index: SourceIndex, _ pair: TablePair, _ notes: inout [String]
    ) throws(NotTranslated) -> String? {
        guard let text = index.condition else { return nil }
        switch ExpressionTranslation(pair.source, pair.mapping).translate(text, for: .condition) {
        case .sql(let sql, let more):
            notes += more
            return sql
        case .implied: return nil
        case .left(let reason): throw NotTranslated("WHERE \(text): \(reason)")
        }
    }
}
