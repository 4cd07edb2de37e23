internal import SQLSyntax

/// What ALTER DEFAULT PRIVILEGES gives on an object that has just been made, taken back.
package enum FreshRights {
    package enum Kind: Sendable { case table, domain, function, procedure }

    /// - Parameter name: as SQL names it; of functions with the types of their inputs.
    /// - Returns: one statement; it finds the object by itself.
    package static func takeBack(_ kind: Kind, _ name: String) -> String {
        let (table, owner, rights, word, lookup) =
            switch kind {
            case .table: ("pg_class", "relowner", "relacl", "", "to_regclass")
            case .domain: ("pg_type", "typowner", "typacl", "DOMAIN ", "to_regtype")
            case .function: ("pg_proc", "proowner", "proacl", "FUNCTION ", "to_regprocedure")
            case .procedure: ("pg_proc", "proowner", "proacl", "PROCEDURE ", "to_regprocedure")
            }
        let body = """
            DECLARE holder text; BEGIN
            FOR holder IN SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
                FROM pg_catalog.\(table) o, pg_catalog.aclexplode(o.\(rights)) a
               WHERE o.oid = pg_catalog.\(lookup)(\(SQL.literal(name))) AND a.grantee <> o.\(owner)
            LOOP EXECUTE \(SQL.literal("REVOKE ALL ON \(word)\(name) FROM ")) || holder; END LOOP; END
            """
        return "DO \(SQL.dollarQuoted(body))"
    }
}
