import Planning
import PostgresDriver
import SQLSyntax

/// Types and functions of other schemas that the schema uses: `pg_dump` takes a schema without them.
extension TargetSite {
    /// - Parameter names: as SQL names them. One that is there stays as it is.
    func types(_ names: [String], ledger: SplitLedger, made: inout SplitRecord.Made) async throws {
        for row in try await source.query(Self.typesQuery, [.textArray(names)]) {
            let (schema, name) = (
                try row.string("schema"), SQL.qualified(try row.string("schema"), try row.string("name"))
            )
            guard try await !isThere("to_regtype", name) else { continue }
            try await self.schema(schema, ledger: ledger, made: &made)
            if !made.types.contains(name) {
                made.types.append(name)
                try await ledger.note(made, of: record.id)
            }
            try await target.execute(try Self.definition(of: name, row))
        }
    }

    func functions(_ names: [String], ledger: SplitLedger, made: inout SplitRecord.Made) async throws {
        for row in try await source.query(
            """
            SELECT n.nspname, p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS definition
              FROM unnest($1::text[]) w JOIN pg_proc p ON p.oid = to_regprocedure(w)
              JOIN pg_namespace n ON n.oid = p.pronamespace ORDER BY p.oid
            """, [.textArray(names)])
        {
            let name = try row.string("name")
            guard try await !isThere("to_regprocedure", name) else { continue }
            try await schema(try row.string("nspname"), ledger: ledger, made: &made)
            if !made.functions.contains(name) {
                made.functions.append(name)
                try await ledger.note(made, of: record.id)
            }
            try await target.execute(
                "BEGIN; SET LOCAL check_function_bodies = off; \(try row.string("definition")); COMMIT")
        }
    }

    private func isThere(_ function: String, _ name: String) async throws -> Bool {
        try await target.query("SELECT \(function)($1) IS NOT NULL AS present", [.text(name)]).only().bool("present")
    }

    static let typesQuery = """
        SELECT t.typtype::text AS kind, n.nspname AS schema, t.typname AS name,
               ARRAY(SELECT quote_literal(e.enumlabel) FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
               CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
               t.typnotnull AS required, t.typdefault AS preset,
               ARRAY(SELECT format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint k
                      WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS constraints,
               ARRAY(SELECT format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) FROM pg_attribute a
                      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                      ORDER BY a.attnum) AS attributes
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE n.nspname || '.' || t.typname = ANY ($1) OR format('%I.%I', n.nspname, t.typname) = ANY ($1) ORDER BY t.oid
        """

    static func definition(of name: String, _ row: Row) throws -> String {
        switch try row.string("kind") {
        case "e": return "CREATE TYPE \(name) AS ENUM (\(try row.textArray("labels").joined(separator: ", ")))"
        case "c": return "CREATE TYPE \(name) AS (\(try row.textArray("attributes").joined(separator: ", ")))"
        case "d":
            let preset = try row.optionalString("preset").map { " DEFAULT \($0)" } ?? ""
            let required = try row.bool("required") ? " NOT NULL" : ""
            let constraints = try row.textArray("constraints").map { " " + $0 }.joined()
            return "CREATE DOMAIN \(name) AS \(try row.string("base"))\(preset)\(required)\(constraints)"
        default:
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "type-elsewhere",
                    "type \(name) is not an enum, domain or row type: it cannot be made there",
                    nextStep: "make it there by hand, or list it in the schema that moves"))
        }
    }
}
