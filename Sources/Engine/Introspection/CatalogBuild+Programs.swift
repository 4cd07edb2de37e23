import Planning
import PostgresDriver

extension CatalogBuild {
    mutating func readTypes() async throws {
        let found = try await rows(
            """
            SELECT t.oid, t.typnamespace, t.typname, t.typtype, t.typowner, t.typarray, t.typacl::text AS acl,
                   ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
                          ORDER BY e.enumsortorder) AS labels,
                   CASE t.typtype WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                            CASE WHEN t.typcollation <> b.typcollation
                                 THEN 'COLLATE ' || t.typcollation::regcollation::text END,
                            'DEFAULT ' || pg_get_expr(t.typdefaultbin, 0),
                            CASE WHEN t.typnotnull THEN 'NOT NULL' END)
                        WHEN 'r' THEN (SELECT 'subtype=' || format_type(r.rngsubtype, NULL) FROM pg_range r
                                        WHERE r.rngtypid = t.oid)
                        ELSE '' END AS definition
              FROM pg_type t
              LEFT JOIN pg_type b ON b.oid = t.typbasetype
              LEFT JOIN pg_type element ON element.typarray = t.oid
              LEFT JOIN pg_class c ON c.oid = t.typrelid
             WHERE t.typnamespace NOT IN \(Self.hiddenSchemas) AND element.oid IS NULL
               AND (t.typrelid = 0 OR c.relkind = 'c')
            """)
        for row in found {
            let oid = try row.uint32("oid")
            let owner = try row.uint32("typowner")
            let letter = try row.string("typtype")
            guard let kind = UserType.Kind(rawValue: letter) else {
                throw ConcurrentChange(what: "type kind \(letter)")
            }
            catalog.types[oid] = UserType(
                oid: oid, schema: try row.uint32("typnamespace"), name: try row.string("typname"), kind: kind,
                owner: owner, arrayType: try row.uint32("typarray"), labels: try row.textArray("labels"),
                definition: try row.optionalString("definition") ?? "",
                grants: try grants(row.optionalString("acl"), kind: "T", owner: owner), userOwns: owned.contains(owner))
        }
    }

    /// BEGIN ATOMIC bodies are printed later, by `readLockingDefinitions`.
    mutating func readFunctions() async throws {
        let atomic = server.isAtLeast(14) ? "p.prosqlbody IS NOT NULL" : "false"
        let found = try await rows(
            """
            SELECT p.oid, p.pronamespace, p.proname, p.prokind, p.proowner, l.lanname,
                   pg_get_function_identity_arguments(p.oid) AS identity_arguments,
                   pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
                   ARRAY(SELECT format_type(a.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, n)
                          ORDER BY a.n) AS input_types,
                   p.proargnames, COALESCE(array_to_string(p.proargmodes, ''), '') AS modes,
                   p.procost::float8 AS cost, p.prorows::float8 AS estimated_rows,
                   COALESCE(p.proargmodes && '{o,b,t}'::"char"[], false) AS out_arguments,
                   p.provariadic <> 0 AS variadic,
                   (p.proargtypes::oid[] || p.prorettype)
                       && ARRAY(SELECT oid FROM pg_type WHERE typtype = 'p' AND typname LIKE 'any%') AS polymorphic,
                   p.proretset, p.prorettype = 'trigger'::regtype AS returns_trigger, p.proisstrict, p.prosecdef,
                   p.proleakproof, p.provolatile, p.proparallel, p.proconfig, p.proacl::text AS acl,
                   CASE WHEN l.lanname IN ('c', 'internal') OR \(atomic) THEN '' ELSE p.prosrc END AS source,
                   \(atomic) AS atomic,
                   CASE WHEN l.lanname NOT IN ('sql', 'plpgsql') OR p.prokind = 'a' OR \(atomic) THEN ''
                        ELSE pg_get_functiondef(p.oid) END AS definition
              FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
             WHERE p.pronamespace NOT IN \(Self.hiddenSchemas)
            """)
        for row in found {
            let oid = try row.uint32("oid")
            catalog.functions[oid] = try function(oid, row)
        }
    }

    private mutating func function(_ oid: OID, _ row: Row) throws -> Function {
        let name = try row.string("proname")
        let letter = try row.string("prokind")
        guard let kind = Function.Kind(rawValue: letter), let definition = try row.optionalString("definition"),
            let identity = try row.optionalString("identity_arguments")
        else { throw ConcurrentChange(what: "function \(name)") }
        let owner = try row.uint32("proowner")
        return Function(
            oid: oid, schema: try row.uint32("pronamespace"), name: name, kind: kind, owner: owner,
            language: try row.string("lanname"), identityArguments: identity,
            arguments: try row.optionalString("arguments") ?? identity,
            result: kind == .procedure ? nil : try row.optionalString("result"),
            inputTypes: try row.textArray("input_types"), argumentNames: try row.optionalTextArray("proargnames") ?? [],
            argumentModes: try row.string("modes"), hasOutArguments: try row.bool("out_arguments"),
            isVariadic: try row.bool("variadic"), isPolymorphic: try row.bool("polymorphic"),
            returnsSet: try row.bool("proretset"), returnsTrigger: try row.bool("returns_trigger"),
            isStrict: try row.bool("proisstrict"), isSecurityDefiner: try row.bool("prosecdef"),
            isLeakproof: try row.bool("proleakproof"),
            volatility: Function.Volatility(rawValue: try row.string("provolatile")) ?? .volatile,
            parallel: try row.string("proparallel"), cost: try row.double("cost"),
            rows: try row.double("estimated_rows"), source: try row.string("source"),
            bindsByOID: try row.bool("atomic"), definition: definition,
            configuration: try row.optionalTextArray("proconfig") ?? [],
            grants: try grants(row.optionalString("acl"), kind: "f", owner: owner), userOwns: owned.contains(owner))
    }

    /// The triggers that PostgreSQL makes for foreign keys are left out.
    mutating func readTriggers() async throws {
        let found = try await rows(
            """
            SELECT t.oid, t.tgname, t.tgrelid, t.tgfoid, t.tgenabled, pg_get_triggerdef(t.oid) AS definition
              FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
             WHERE NOT t.tgisinternal AND c.relnamespace NOT IN \(Self.hiddenSchemas)
               AND NOT starts_with(t.tgname, '\(LooseKeyTriggers.prefix)')
            """)
        for row in found {
            let name = try row.string("tgname")
            guard let definition = try row.optionalString("definition") else {
                throw ConcurrentChange(what: "trigger \(name)")
            }
            catalog.triggers.append(
                Trigger(
                    oid: try row.uint32("oid"), name: name, relation: try row.uint32("tgrelid"),
                    function: try row.uint32("tgfoid"), enabled: try row.string("tgenabled"), definition: definition))
        }
        try await readEventTriggers()
    }

    private mutating func readEventTriggers() async throws {
        let found = try await rows(
            "SELECT oid, evtname, evtevent, evtfoid, evtenabled, evttags FROM pg_event_trigger ORDER BY evtname")
        for row in found {
            catalog.eventTriggers.append(
                EventTrigger(
                    oid: try row.uint32("oid"), name: try row.string("evtname"), event: try row.string("evtevent"),
                    function: try row.uint32("evtfoid"), enabled: try row.string("evtenabled"),
                    tags: try row.optionalTextArray("evttags") ?? []))
        }
    }
}
