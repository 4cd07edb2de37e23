import SQLSyntax

/// The statements that take a part away again, or make what was there before it. None of them drops rows: a table that has some
/// is a refusal (`ST004`), and the whole store is refused before anything of it is undone.
extension EventSchema {
    func undo(_ part: Part, _ missing: EventSchemaObjects, _ state: EventSchemaState) -> [String] {
        // The role stays: it may be another database's as well, and has no rights but in stores.
        if part.key == Part.place {
            guard state.hasSchema else { return ["DROP SCHEMA IF EXISTS \(schema)"] }
            return state.record == nil ? ["REVOKE ALL ON SCHEMA \(schema) FROM \(account)"] : []
        }
        let functions = EventSchemaObjects(of: part, self).functions.reversed().compactMap { name -> String? in
            guard let definition = state.functions[name] else { return dropped(name) }
            return definition.isEmpty ? nil : definition
        }
        return functions + dropped(missing.tables)
    }

    /// Triggers of partitions hang on one of them, which go with the table of events.
    private func dropped(_ function: String) -> String {
        "DROP FUNCTION IF EXISTS \(schema).\(function)" + (function == EventImmutability.function ? " CASCADE" : "")
    }

    private func dropped(_ tables: [String]) -> [String] {
        guard !tables.isEmpty else { return [] }
        let looked = tables.filter { !ArchiveTables.filled.contains($0) }.map { SQL.literal($0) }
        return [
            """
            DO $strata$
            DECLARE name text; is_used boolean;
            BEGIN
                FOREACH name IN ARRAY ARRAY[\(looked.joined(separator: ", "))]::text[] LOOP
                    CONTINUE WHEN to_regclass(format('%I.%I', \(SQL.literal(self.name)), name)) IS NULL;
                    EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', \(SQL.literal(self.name)), name);
                    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', \(SQL.literal(self.name)), name) INTO is_used;
                    IF is_used THEN
                        RAISE EXCEPTION 'table % of the event store in schema % has rows', name, \(SQL.literal(self.name)) USING ERRCODE = 'ST004', HINT = 'keep them; if nobody needs them, take them out by hand, then strata rollback again';
                    END IF;
                END LOOP;
            END $strata$
            """,
            "DROP TABLE IF EXISTS " + tables.map { "\(schema).\($0)" }.joined(separator: ", "),
        ]
    }

    /// Closes a store before its parts are taken away: nothing can be appended any more. Refused once it has an organisation, and
    /// so whatever an organisation has: streams, events, keys.
    var closing: [String] {
        [
            """
            DO $strata$
            DECLARE organizations bigint; streams bigint; events numeric;
            BEGIN
                IF to_regclass(\(SQL.literal("\(schema).event_streams"))) IS NULL THEN RETURN; END IF;
                LOCK TABLE \(schema).organizations, \(schema).event_streams IN ACCESS EXCLUSIVE MODE;
                SELECT count(*) INTO organizations FROM \(schema).organizations;
                SELECT count(*), coalesce(sum(last_position), 0) INTO streams, events FROM \(schema).event_streams;
                IF organizations > 0 THEN
                    RAISE EXCEPTION 'the event store in schema % is in use (organisations: %, streams: %, events: %)',
                        \(SQL.literal(name)), organizations, streams, events USING ERRCODE = 'ST004', HINT = \(SQL.literal("keep it; if nobody needs what is in it: DROP SCHEMA \(schema) CASCADE, then strata rollback again"));
                END IF;
                REVOKE USAGE ON SCHEMA \(schema) FROM \(account);
            END $strata$
            """,
            "DROP FUNCTION IF EXISTS \(schema).append",
        ]
    }

    // MARK: The record

    /// One at a time, and only if the store is as the change was made for.
    func pin(_ comment: String?) -> String {
        """
        DO $strata$
        BEGIN
            PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('strata.events'));
            IF (SELECT pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace WHERE nspname = \(SQL.literal(name)))
                IS DISTINCT FROM \(comment.map { SQL.literal($0) } ?? "NULL") THEN
                RAISE EXCEPTION 'the event store in schema % is not as it was', \(SQL.literal(name)) USING ERRCODE = 'ST001';
            END IF;
        END $strata$
        """
    }

    func commented(_ text: String?) -> String {
        "COMMENT ON SCHEMA \(schema) IS \(text.map { SQL.literal($0) } ?? "NULL")"
    }

    func uncommented(_ text: String?) -> String {
        """
        DO $strata$
        BEGIN
            IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = \(SQL.literal(name))) THEN \(commented(text)); END IF;
        END $strata$
        """
    }
}
