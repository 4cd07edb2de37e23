/// Statements about the transaction, settings and prepared statements.
extension StatementKinds {
    func transaction(_ node: SyntaxNode) -> StatementShape.Kind {
        let name = node["savepoint_name"]?.string ?? ""
        switch node["kind"]?.string {
        case "TRANS_STMT_BEGIN", "TRANS_STMT_START": return .begin(Self.modes(node["options"]))
        case "TRANS_STMT_COMMIT": return .commit(chain: node["chain"]?.bool ?? false)
        case "TRANS_STMT_ROLLBACK": return .rollback(chain: node["chain"]?.bool ?? false)
        case "TRANS_STMT_SAVEPOINT": return .savepoint(name)
        case "TRANS_STMT_RELEASE": return .release(name)
        case "TRANS_STMT_ROLLBACK_TO": return .rollbackTo(name)
        case "TRANS_STMT_PREPARE": return .prepareTransaction
        default: return .finishPrepared
        }
    }

    /// Of several modes of one kind the last counts, as for PostgreSQL.
    private static func modes(_ options: SyntaxNode?) -> StatementShape.TransactionModes {
        var modes = StatementShape.TransactionModes()
        for option in options?.children ?? [] {
            guard let option = option["DefElem"], let value = option["arg"]?["A_Const"] else { continue }
            let isOn = (value["ival"]?["ival"]?.int ?? 0) != 0
            switch option["defname"]?.string {
            case "transaction_isolation":
                modes.isolation = value["sval"]?["sval"]?.string.flatMap(
                    StatementShape.TransactionModes.Isolation.init(rawValue:))
            case "transaction_read_only": modes.isReadOnly = isOn
            case "transaction_deferrable": modes.isDeferrable = isOn
            default: break
            }
        }
        return modes
    }

    func setting(_ node: SyntaxNode) -> StatementShape.Kind {
        let isLocal = node["is_local"]?.bool ?? false
        let name = node["name"]?.string ?? ""
        switch node["kind"]?.string {
        case "VAR_RESET_ALL": return .reset(name: nil)
        case "VAR_RESET": return .reset(name: name.lowercased())
        case "VAR_SET_DEFAULT" where !isLocal: return .reset(name: name.lowercased())
        case "VAR_SET_MULTI":
            switch name {
            case "TRANSACTION": return .setTransaction(Self.modes(node["args"]))
            case "TRANSACTION SNAPSHOT":
                return .setTransaction(StatementShape.TransactionModes(importsSnapshot: true))
            default: return .setSessionCharacteristics
            }
        default: return .set(name: name.lowercased(), isLocal: isLocal)
        }
    }

    mutating func prepared(_ node: SyntaxNode, _ type: String) throws(SQLSyntaxError) -> StatementShape.Kind {
        let name = node["name"]?.string
        let places = try StatementPlaces(statement, &tokens)
        switch type {
        case "PrepareStmt": return .prepare(name: name ?? "", place: places.second)
        case "ExecuteStmt": return .execute(name: name ?? "", place: places.execute(afterAS: false))
        default: return .deallocate(name: name, place: places.deallocate)
        }
    }
}

/// Where the names of prepared statements stand: the parser's tree does not say.
struct StatementPlaces {
    private let tokens: SQLTokens
    /// The statement's own tokens, without comments.
    private let own: [SQLToken]
    private let start: Int

    init(_ statement: ParsedStatement, _ tokens: inout LazyTokens) throws(SQLSyntaxError) {
        let all = try tokens.of(statement.source)
        self.tokens = all
        start = statement.range.lowerBound
        own = Self.tokens(all.tokens, within: statement.range).filter { $0.kind != .comment }
    }

    /// By halving: a text may have a hundred thousand statements.
    private static func tokens(_ all: [SQLToken], within range: Range<Int>) -> ArraySlice<SQLToken> {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].range.lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return all[low...].prefix { $0.range.lowerBound < range.upperBound }
    }

    /// PREPARE name.
    var second: Range<Int> { place(1) }

    /// What comes after PREPARE name (types) AS.
    var preparedQuery: Int? {
        var depth = 0
        for index in own.indices.dropLast().dropFirst(2) {
            switch symbol(index) {
            case 0x28: depth += 1
            case 0x29: depth -= 1
            // AS cannot be the name of a type.
            default: if depth == 0, isWord("as", index) { return own[index + 1].range.lowerBound }
            }
        }
        return nil
    }

    /// DEALLOCATE [PREPARE] name, and a statement may be called `prepare`.
    var deallocate: Range<Int> {
        own.count > 2 && isWord("prepare", 1) ? place(2) : place(1)
    }

    /// The name after EXECUTE outside of brackets: options and arguments may have any word, and so may a table that is
    /// created. There EXECUTE comes after AS, which no name is.
    func execute(afterAS: Bool) -> Range<Int> {
        var depth = 0
        for index in own.indices {
            switch symbol(index) {
            case 0x28: depth += 1
            case 0x29: depth -= 1
            default:
                guard depth == 0, isWord("execute", index) else { continue }
                if !afterAS || (index > 0 && isWord("as", index - 1)) { return place(index + 1) }
            }
        }
        return start..<start
    }

    /// With `UESCAPE 'c'`, which belongs to a name `U&"…"`.
    private func place(_ index: Int) -> Range<Int> {
        guard index < own.count else { return start..<start }
        let range = own[index].range
        guard index + 2 < own.count, isWord("uescape", index + 1), own[index + 2].kind == .string else { return range }
        return range.lowerBound..<own[index + 2].range.upperBound
    }

    private func symbol(_ index: Int) -> UInt8 {
        own[index].kind == .symbol ? tokens.source.bytes[own[index].range.lowerBound] : 0
    }

    /// An unquoted word, in any case.
    private func isWord(_ word: String, _ index: Int) -> Bool {
        let range = own[index].range
        guard range.count == word.utf8.count else { return false }
        return zip(tokens.source.bytes[range], word.utf8).allSatisfy { SQLTokens.lowercased($0) == $1 }
    }
}
