import Planning
import PostgresDriver

/// What PostgreSQL prints only under an ACCESS SHARE lock on every table that is named in it.
extension CatalogBuild {
    mutating func readLockingDefinitions(groupsOf size: Int) async throws {
        try await readRules()
        try await readPolicies()
        var wanted = Wanted()
        wanted.views = catalog.relations.values.filter { $0.kind == .view || $0.kind == .materialisedView }.map(\.oid)
        wanted.functions = catalog.functions.values.filter(\.bindsByOID).map(\.oid)
        wanted.rules = catalog.rules.map(\.oid)
        wanted.policies = catalog.policies.map(\.oid)
        // Also when there is nothing to ask, so that the number of queries is always the same.
        repeat { try await readGroup(wanted.take(size)) } while !wanted.isEmpty
    }

    private struct Wanted {
        var views: [OID] = []
        var functions: [OID] = []
        var rules: [OID] = []
        var policies: [OID] = []

        var isEmpty: Bool { views.isEmpty && functions.isEmpty && rules.isEmpty && policies.isEmpty }

        mutating func take(_ size: Int) -> Wanted {
            func cut(_ list: inout [OID], _ room: inout Int) -> [OID] {
                let part = Array(list.suffix(room))
                list.removeLast(part.count)
                room -= part.count
                return part
            }
            var room = size
            var group = Wanted()
            group.views = cut(&views, &room)
            group.functions = cut(&functions, &room)
            group.rules = cut(&rules, &room)
            group.policies = cut(&policies, &room)
            return group
        }
    }

    /// The savepoint lets the locks go at once: they would otherwise be held until the end, and 50,000 of them do not
    /// fit into a server's lock table.
    private mutating func readGroup(_ group: Wanted) async throws {
        try await run("SAVEPOINT definitions")
        let found = try await rows(
            """
            SELECT 'view' AS kind, oid, pg_get_viewdef(oid) AS definition FROM unnest($1::oid[]) AS oid
            UNION ALL
            SELECT 'function', oid, pg_get_functiondef(oid) FROM unnest($2::oid[]) AS oid
            UNION ALL
            SELECT 'rule', oid, pg_get_ruledef(oid) FROM unnest($3::oid[]) AS oid
            UNION ALL
            SELECT 'policy', p.oid, concat_ws(' ', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                       'FOR', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                            WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                       'TO', (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END,
                                                ', ' ORDER BY pg_get_userbyid(o)) FROM unnest(p.polroles) AS o),
                       'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                       'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
              FROM pg_policy p WHERE p.oid = ANY ($4::oid[])
            """,
            [.oidArray(group.views), .oidArray(group.functions), .oidArray(group.rules), .oidArray(group.policies)])
        try await run("ROLLBACK TO SAVEPOINT definitions; RELEASE SAVEPOINT definitions")
        for row in found { try store(row) }
    }

    private mutating func store(_ row: Row) throws {
        let oid = try row.uint32("oid")
        let kind = try row.string("kind")
        guard let definition = try row.optionalString("definition") else {
            throw ConcurrentChange(what: "the \(kind) with the OID \(oid)")
        }
        switch kind {
        case "view": catalog.relations[oid]?.definition = definition
        case "function": catalog.functions[oid]?.definition = definition
        case "rule":
            if let position = catalog.rules.firstIndex(where: { $0.oid == oid }) {
                catalog.rules[position].definition = definition
            }
        default:
            if let position = catalog.policies.firstIndex(where: { $0.oid == oid }) {
                catalog.policies[position].definition = definition
            }
        }
    }

    private mutating func readRules() async throws {
        let found = try await rows(
            """
            SELECT r.oid, r.rulename, r.ev_class, r.ev_enabled FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
             WHERE r.rulename <> '_RETURN' AND c.relnamespace NOT IN \(Self.hiddenSchemas)
            """)
        for row in found {
            catalog.rules.append(
                Rule(
                    oid: try row.uint32("oid"), name: try row.string("rulename"), relation: try row.uint32("ev_class"),
                    enabled: try row.string("ev_enabled"), definition: ""))
        }
    }

    private mutating func readPolicies() async throws {
        let found = try await rows(
            """
            SELECT p.oid, p.polname, p.polrelid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
             WHERE c.relnamespace NOT IN \(Self.hiddenSchemas)
            """)
        for row in found {
            catalog.policies.append(
                Policy(
                    oid: try row.uint32("oid"), name: try row.string("polname"), relation: try row.uint32("polrelid"),
                    definition: ""))
        }
    }
}
