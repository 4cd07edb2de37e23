import SQLSyntax

/// What a table of the file demands and the target's own table does not: what an ORM's migrations left to SQLite, or what
/// somebody has changed on one side. What the target demands beyond that, its rejects tell.
///
/// Pure. An index with an expression or a condition counts as there where the target has one of its name or one of that kind
/// over the same columns; a CHECK, where the target has one of its name or over the same columns: their words are not compared.
struct TableDifferences {
    let source: SourceTable
    let mapping: TableMapping
    let target: ExistingTable
    /// Where tables of the file go.
    let tables: ImportMapping

    /// In words, each with the object's name.
    var found: [String] { columns + keys + indexes + foreignKeys + checks }

    // MARK: Columns

    private var columns: [String] {
        var found: [String] = []
        for column in source.columns {
            guard let mapped = mapping.column(column.name), !mapped.isSkipped,
                let there = target.column(mapped.name)
            else { continue }
            if column.isNotNull, !there.isNotNull {
                found.append("\(there.name) may be NULL there; it is NOT NULL in the file")
            }
            if column.name == source.rowidAlias {
                if !there.hasDefault, mapped.sequence == nil {
                    found.append(
                        "\(there.name) gets no number by itself there: it has no identity, and no default (where the application asks a sequence, say sequence: NAME for it in the mapping)"
                    )
                }
            } else if let text = column.defaultSQL, text.uppercased() != "NULL", !there.hasDefault {
                found.append("\(there.name) has no default there; in the file it is \(text)")
            }
            if column.generation != nil, !there.isGenerated {
                found.append("\(there.name) is an ordinary column there; the file generates it")
            }
        }
        let known = Set(mapping.columns.filter { !$0.isSkipped }.flatMap { [$0.name, $0.side].compactMap { $0 } })
        for column in target.columns where !known.contains(column.name) && !column.isGenerated {
            found.append(
                "\(column.name) is not in the file: all rows get \(column.hasDefault ? "its default" : "NULL")")
        }
        return found
    }

    /// Names in the target; nil where one is not carried over.
    private func names(_ columns: [String]) -> [String]? {
        let found = columns.compactMap { name in
            source.column(name).flatMap { mapping.column($0.name) }.flatMap { $0.isSkipped ? nil : $0.name }
        }
        return found.count == columns.count ? found : nil
    }

    // MARK: Keys and indexes

    /// What is unique by fewer columns is unique by more.
    private func isUnique(_ columns: [String]) -> Bool {
        target.indexes.contains { index in
            index.isUnique && !index.isPartial && index.columns.allSatisfy { $0.map(columns.contains) == true }
        }
    }

    private var keys: [String] {
        var found: [String] = []
        if let key = names(source.primaryKey), !key.isEmpty {
            let theirs = target.indexes.first(where: \.isPrimary)?.columns.compactMap { $0 }
            if let theirs, Set(theirs) != Set(key) {
                found.append("its primary key is (\(list(theirs))), in the file (\(list(key)))")
            } else if theirs == nil {
                found.append("it has no primary key; the file's is (\(list(key)))")
            }
        }
        for index in source.indexes where index.origin == .unique {
            guard let columns = names(index.keys.compactMap(\.column)) else { continue }
            if let text = unique(index, columns) { found.append(text) }
        }
        return found
    }

    /// What a unique index over columns demands and the target does not.
    private func unique(_ index: SourceIndex, _ columns: [String]) -> String? {
        // Which expression is not compared: lower(name) is how NOCASE is carried over.
        let isByExpression = target.indexes.contains { $0.isUnique && $0.columns.contains(nil) }
        guard isUnique(columns) || isByExpression else {
            return "nothing keeps (\(list(columns))) unique there; in the file \(index.constraint ?? index.name) does"
        }
        let folded = index.keys.filter { key in
            guard key.collation.asciiLowercased != "binary", let column = key.column, let name = names([column])?.first,
                let type = target.column(name)?.type
            else { return false }
            return TargetPiece.Kind(TargetType(sql: type)) == .text
        }
        guard !folded.isEmpty, !isByExpression else { return nil }
        return "(\(list(columns))) is unique as it is written; in the file, by \(folded[0].collation)"
    }

    private var indexes: [String] {
        source.indexes.filter { $0.origin == .created }.compactMap { index in
            if target.indexes.contains(where: { isNamed($0.name, index.name) && $0.isUnique == index.isUnique }) {
                return nil
            }
            let columns = index.keys.map { key in key.column.flatMap { names([$0])?.first } }
            let plain = columns.compactMap { $0 }
            let isPlain = plain.count == columns.count
            // A column that is left out takes its index along.
            guard isPlain || index.keys.contains(where: { $0.column == nil }) else { return nil }
            if index.isUnique, index.condition == nil, isPlain { return unique(index, plain) }
            let isThere = target.indexes.contains { other in
                guard other.columns.count >= columns.count, !index.isUnique || other.isUnique else { return false }
                let isSame = Array(other.columns.prefix(columns.count)) == columns
                return index.isUnique
                    ? isSame && other.columns.count == columns.count && (index.condition != nil || !other.isPartial)
                    : isSame && (index.condition != nil || !other.isPartial)
            }
            guard !isThere else { return nil }
            let keys = index.keys.map { $0.column ?? $0.expression ?? "?" }
            return "there is no index like \(index.isUnique ? "the unique " : "")\(index.name) on (\(list(keys)))"
                + (index.condition.map { " WHERE \($0)" } ?? "")
        }
    }

    // MARK: Foreign keys and checks

    private var foreignKeys: [String] {
        source.foreignKeys.compactMap { key in
            guard let columns = names(key.columns),
                let parent = tables.tables.first(where: { $0.source.asciiLowercased == key.parent.asciiLowercased })
            else { return nil }
            let words = "(\(list(columns))) to \(SQL.qualified(parent.schema, parent.name))"
            let others = target.foreignKeys.filter {
                Set($0.columns) == Set(columns) && $0.parent == [parent.schema, parent.name]
            }
            guard let other = others.first else { return "there is no foreign key of \(words)" }
            let actions = [("UPDATE", key.onUpdate, other.onUpdate), ("DELETE", key.onDelete, other.onDelete)]
                .filter { action($0.1) != action($0.2) }
                .map { "ON \($0.0) \($0.2), in the file \($0.1)" }
            return actions.isEmpty ? nil : "the foreign key of \(words) is \(actions.joined(separator: "; "))"
        }
    }

    /// The two differ only within a transaction.
    private func action(_ text: String) -> String { text == "RESTRICT" ? "NO ACTION" : text }

    private var checks: [String] {
        source.checks.compactMap { check in
            if case .implied = ExpressionTranslation(source, mapping).translate(check.expression, for: .check) {
                return nil
            }
            if let name = check.name, target.checks.contains(where: { isNamed($0.name, name) }) { return nil }
            let columns = columns(in: check.expression)
            if target.checks.contains(where: { $0.columns == columns }) { return nil }
            if columns.count == 1, let name = columns.first, target.column(name)?.hasOwnRule == true { return nil }
            return "there is no CHECK (\(check.expression))"
        }
    }

    /// Columns of the target that an expression of the file names.
    private func columns(in expression: String) -> Set<String> {
        guard let tokens = try? SQLiteTokenizer.tokens(of: Array(expression.utf8)) else { return [] }
        return Set(
            tokens.filter { $0.isName && $0.kind != .string }.compactMap { token in
                source.column(token.text).flatMap { mapping.column($0.name)?.name }
            })
    }

    private func isNamed(_ one: String, _ other: String) -> Bool { one.asciiLowercased == other.asciiLowercased }
    private func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
