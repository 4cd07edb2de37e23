import SQLSyntax

/// One statement of a projection: SQL whose parameters come from an event.
///
/// In the text a parameter is a name after a colon: `:id :key :type :position :at :payload :metadata`, or what is in the payload
/// or the metadata, `:payload.owner.name`. Each is sent beside the statement, never put into it.
package struct ProjectionStatement: Sendable, Hashable {
    /// With `$1`, `$2` … in place of the names.
    package let sql: String
    package let parameters: [ProjectionParameter]
    /// In its file, from 1.
    package let line: Int
}

package enum ProjectionParameter: Sendable, Hashable {
    case id, key, type, position, at
    /// The names that lead into the payload; none: all of it.
    case payload([String])
    case metadata([String])

    /// - Parameter names: such as `payload`, `owner`, `name`.
    init?(_ names: [String]) {
        guard let first = names.first else { return nil }
        let rest = Array(names.dropFirst())
        switch first {
        case "payload": self = .payload(rest)
        case "metadata": self = .metadata(rest)
        case _ where !rest.isEmpty: return nil
        case "id": self = .id
        case "key": self = .key
        case "type": self = .type
        case "position": self = .position
        case "at": self = .at
        default: return nil
        }
    }
}

/// What is wrong with a projection's file.
package struct ProjectionMistake: Error, Sendable, Hashable, CustomStringConvertible {
    package var line: Int
    package var message: String

    package var description: String { "line \(line): \(message)" }
}

extension ProjectionStatement {
    private static let kinds: Set<String> = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt"]

    /// The statements of a file, in order.
    ///
    /// - Throws: `ProjectionMistake`: what PostgreSQL's parser says, an unknown parameter, a statement that does not only read
    ///   or write rows.
    ///
    /// - Parameter bounds: what its statements may touch; nil: anything.
    package static func parse(
        _ text: String, within bounds: ProjectionBounds? = nil
    ) throws(ProjectionMistake) -> [ProjectionStatement] {
        let (sql, names) = named(try read { () throws(SQLSyntaxError) in try SQLScanner.scan(text) })
        var parameters: [ProjectionParameter] = []
        for name in names {
            guard let parameter = ProjectionParameter(name.names) else {
                throw .unknown(":" + name.names.joined(separator: "."), line: name.line)
            }
            parameters.append(parameter)
        }
        var statements: [ProjectionStatement] = []
        for statement in try read({ () throws(SQLSyntaxError) in try SQLParser.parse(sql) }) {
            guard kinds.contains(statement.kind) else {
                throw ProjectionMistake(
                    line: statement.line,
                    message: "a projection inserts, updates, deletes, merges or selects; nothing else")
            }
            try bounds?.check(statement)
            statements.append(try numbered(statement, parameters))
        }
        return statements
    }

    private static func read<T>(_ body: () throws(SQLSyntaxError) -> T) throws(ProjectionMistake) -> T {
        do { return try body() } catch { throw ProjectionMistake(line: error.line ?? 1, message: error.message) }
    }

    private struct Named {
        var names: [String]
        var line: Int
    }

    /// The text with `$1` … in place of names; lines stay where they are.
    private static func named(_ tokens: SQLTokens) -> (sql: String, parameters: [Named]) {
        var (sql, end) = ("", 0)
        var found: [Named] = []
        var index = 0
        let all = tokens.tokens
        while index < all.count {
            let colon = all[index]
            guard isName(after: index, tokens) else {
                index += 1
                continue
            }
            var names = [tokens.name(all[index + 1])]
            index += 2
            while index + 1 < all.count, tokens.text(all[index]) == ".", touches(all[index - 1], all[index]),
                touches(all[index], all[index + 1]), isWord(all[index + 1])
            {
                // Members of JSON objects are told apart by case.
                let word = tokens.text(all[index + 1])
                names.append(word.hasPrefix("\"") ? tokens.name(all[index + 1]) : word)
                index += 2
            }
            sql += tokens.source.text(end..<colon.range.lowerBound)
            found.append(Named(names: names, line: tokens.source.line(of: colon.range.lowerBound)))
            sql += "$\(found.count)"
            end = all[index - 1].range.upperBound
        }
        return (sql + tokens.source.text(end..<tokens.source.bytes.count), found)
    }

    /// A colon that stands before a word and behind a space or an opening mark: not that of an array's slice.
    private static func isName(after index: Int, _ tokens: SQLTokens) -> Bool {
        let all = tokens.tokens
        guard tokens.text(all[index]) == ":", index + 1 < all.count, isWord(all[index + 1]),
            touches(all[index], all[index + 1])
        else { return false }
        guard index > 0, touches(all[index - 1], all[index]) else { return true }
        return all[index - 1].kind == .symbol && ![")", "]"].contains(tokens.text(all[index - 1]))
    }

    private static func isWord(_ token: SQLToken) -> Bool {
        switch token.kind {
        case .identifier, .keyword: true
        default: false
        }
    }

    private static func touches(_ left: SQLToken, _ right: SQLToken) -> Bool {
        left.range.upperBound == right.range.lowerBound
    }

    /// One statement with numbers of its own: PostgreSQL wants a use for each. A name that comes twice has two, for the places
    /// may be of two types.
    private static func numbered(
        _ statement: ParsedStatement, _ parameters: [ProjectionParameter]
    ) throws(ProjectionMistake) -> ProjectionStatement {
        let tokens = try read { () throws(SQLSyntaxError) in try SQLScanner.scan(statement.text) }
        var (sql, end) = ("", 0)
        var used: [Int] = []
        for token in tokens.tokens where token.kind == .parameter {
            guard let number = Int(tokens.text(token).dropFirst()), parameters.indices.contains(number - 1) else {
                throw .unknown(tokens.text(token), line: statement.line)
            }
            used.append(number)
            sql += tokens.source.text(end..<token.range.lowerBound) + "$\(used.count)"
            end = token.range.upperBound
        }
        return ProjectionStatement(
            sql: sql + tokens.source.text(end..<tokens.source.bytes.count), parameters: used.map { parameters[$0 - 1] },
            line: statement.line)
    }
}

extension ProjectionMistake {
    fileprivate static func unknown(_ name: String, line: Int) -> ProjectionMistake {
        ProjectionMistake(
            line: line,
            message:
                "\(name) is no parameter: there are :id, :key, :type, :position, :at, :payload, :metadata, and members as in :payload.name"
        )
    }
}
