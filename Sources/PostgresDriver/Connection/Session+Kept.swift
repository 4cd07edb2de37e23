import CLibPQ

/// Statements that a session has prepared by itself, because they come again and again.
struct KeptStatements {
    struct Key: Hashable {
        var sql: String
        var types: [UInt32]
    }

    /// In the life of a session: the server holds each until the session ends.
    static let most = 64

    private var names: [Key: String] = [:]
    private var made = 0

    /// - Returns: nil: it is not to be prepared.
    mutating func name(_ key: Key) -> (name: String, isNew: Bool)? {
        if let known = names[key] { return (known, false) }
        guard made < Self.most else { return nil }
        made += 1
        // One that no other session has: a pooler in between may lead us to what another client has prepared.
        let name = "strata_kept_\(made)_\(UInt64.random(in: 0 ... .max))"
        names[key] = name
        return (name, true)
    }

    mutating func forget(_ key: Key) { names[key] = nil }

    /// What is prepared does not stay.
    mutating func stop() { (names, made) = ([:], Self.most) }
}

extension Session {
    /// As `query`, prepared by the first call: later ones are neither parsed nor, as the server decides, planned.
    func query(keeping sql: String, _ parameters: [Parameter]) throws -> ResultHandle {
        let key = KeptStatements.Key(sql: sql, types: parameters.map(\.typeOID))
        let isAlone = transactionStatus == .idle
        guard let (name, isNew) = kept.name(key) else { return try query(sql, parameters) }
        do {
            if isNew { try prepareOnly(name: name, sql, types: key.types) }
            return try query(prepared: name, sql, parameters)
        } catch let error as PostgresError {
            if isNew { kept.forget(key) }
            // Nothing was done in either case, and the text will do.
            switch error.sqlState {
            case .invalidStatementName where isAlone: kept.stop()
            // Its result has other columns since it was prepared, or else it fails once more.
            case .featureNotSupported where isAlone: kept.forget(key)
            default: throw error
            }
            return try query(sql, parameters)
        }
    }
}
