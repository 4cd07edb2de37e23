import Planning
import PostgresDriver

/// A catalog that is being read: the parts are filled by the extensions of this type, one file for each group.
struct CatalogBuild {
    let connection: Connection
    let server: ServerAbilities
    var catalog = Catalog()
    /// Queries made so far, BEGIN and COMMIT included.
    private(set) var queries = 2
    var strings = StringPool()
    /// Roles whose objects the connected user may alter: itself, those whose rights it inherits, or all (superuser).
    var owned: Set<OID> = []
    /// By the text of an ACL, or by kind and owner for objects that have none.
    var grants: [String: [Grant]] = [:]
    /// Collations that columns have other than the default of their type, for the printing of indexes.
    var unusualCollations: [ColumnKey: OID] = [:]

    struct ColumnKey: Hashable {
        var relation: OID
        var number: Int16
    }

    init(connection: Connection, server: ServerAbilities) {
        self.connection = connection
        self.server = server
    }

    /// Schemas that no catalog contains, as a subquery that gives their OIDs.
    static let hiddenSchemas = """
        (SELECT oid FROM pg_namespace
          WHERE nspname LIKE 'pg\\_%' OR nspname IN ('information_schema', '\(Catalog.ledgerSchema)')
             OR starts_with(nspname, '\(Catalog.parkedPrefix)'))
        """

    mutating func rows(_ sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        queries += 1
        return try await connection.query(sql, parameters)
    }

    mutating func run(_ sql: String) async throws {
        queries += 1
        try await connection.execute(sql)
    }

    /// Names are printed qualified, and values alike, whatever the user's own settings are.
    mutating func configure(_ limits: CatalogReader.Limits) async throws {
        try await run(
            """
            SET LOCAL search_path = '';
            SET LOCAL lock_timeout = \(Self.milliseconds(limits.lockTimeout));
            SET LOCAL statement_timeout = \(Self.milliseconds(limits.statementTimeout));
            SET LOCAL datestyle = 'ISO, YMD';
            SET LOCAL intervalstyle = 'postgres';
            SET LOCAL timezone = 'UTC';
            SET LOCAL bytea_output = 'hex';
            SET LOCAL extra_float_digits = 1;
            SET LOCAL quote_all_identifiers = off;
            SET LOCAL standard_conforming_strings = on;
            SET LOCAL lc_monetary = 'C';
            SET LOCAL work_mem = '64MB';
            SET LOCAL jit = off;
            SET LOCAL max_parallel_workers_per_gather = 0
            """)
    }

    /// The grants for an ACL's text; `kind` is acldefault's letter and says what holds where there is no ACL.
    func grants(_ acl: String?, kind: Character, owner: OID) throws -> [Grant] {
        if acl == "{}" { return [] }
        let key = acl ?? "\(kind)\(owner)"
        guard let found = grants[key] else { throw ConcurrentChange(what: "the privileges \(key) appeared meanwhile") }
        return found
    }

    /// Whole milliseconds, at least 1: 0 would mean no limit.
    private static func milliseconds(_ duration: Duration) -> Int64 {
        let parts = duration.components
        return max(1, parts.seconds * 1_000 + parts.attoseconds / 1_000_000_000_000_000)
    }
}
