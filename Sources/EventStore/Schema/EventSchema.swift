import SQLSyntax

/// The schema of the event store: seed 003's tables under their documented names, and what they need to hold what they
/// promise. Times are UTC, in columns without a time zone, as documented.
///
/// Rights: the tables belong to whoever makes them. Requests run in functions of a role of their own, which may read and add
/// but not change events, and which row security keeps within one organisation (`events.org_id`): a query that forgot its
/// organisation finds nothing. A superuser's connection is no exception, for the functions are SECURITY DEFINER.
package struct EventSchema: Sendable, Hashable {
    /// One object, or a few that belong together: a step of a plan.
    package struct Part: Sendable, Hashable {
        package var object: String
        package var statements: [String]
        package var reason: String
    }

    /// How wide a partition is, and so how much goes at once when its time is over.
    package enum Every: String, Sendable, CaseIterable {
        case day, month
    }

    /// 1 to 63 bytes; quoted where it is used.
    package let name: String
    /// NOLOGIN; made where it is missing. One for all event stores of a server, so that a dump fits another database.
    package let role: String
    package let every: Every

    package init(name: String = "events", role: String = "strata_events", every: Every = .month) {
        (self.name, self.role, self.every) = (name, role, every)
    }

    var schema: String { SQL.identifier(name) }
    var account: String { SQL.identifier(role) }

    /// In order; safe to run again, each in a transaction of its own.
    package var parts: [Part] {
        [
            Part(
                object: "role \(role)",
                statements: [
                    """
                    DO $$ BEGIN
                        BEGIN
                            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = \(SQL.literal(role))) THEN
                                CREATE ROLE \(account) NOLOGIN;
                            END IF;
                        EXCEPTION WHEN duplicate_object OR unique_violation THEN
                            NULL; -- Made for another database at the same time.
                        END;
                        -- A superuser may act as any role, others as those they are members of; from 16 on, who makes
                        -- a role is one that may not act as it.
                        IF NOT pg_catalog.pg_has_role(current_user, \(SQL.literal(role)),
                            CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)
                        THEN GRANT \(account) TO CURRENT_USER; END IF;
                    END $$
                    """
                ],
                reason: "requests run as it, within one organisation"),
            Part(
                object: "schema \(name)",
                statements: [
                    // Who gets a function has to be able to make one there; it is taken back at the end.
                    "CREATE SCHEMA IF NOT EXISTS \(schema)",
                    "COMMENT ON SCHEMA \(schema) IS \(SQL.literal(Self.mark))",
                    "GRANT USAGE, CREATE ON SCHEMA \(schema) TO \(account)",
                ],
                reason: "the event store's place"),
            Part(
                object: "functions of ids and times", statements: EventIdentifiers(self).functions,
                reason: "an id tells its time (UUIDv7)"),
            Part(
                object: "tables", statements: EventTables(self).statements,
                reason: "organisations, streams, events, groups"),
            Part(
                object: "row security and rights", statements: EventRights(self).statements,
                reason: "one organisation sees nothing of another"),
            Part(
                object: "immutability", statements: EventImmutability(self).statements,
                reason: "events are never updated or deleted"),
            Part(
                object: "partitions", statements: EventPartitions(self).functions, reason: "made ahead, never a default"
            ),
            Part(object: "append", statements: AppendFunction(self).statements, reason: "one call appends"),
            Part(object: "reading", statements: ReadFunctions(self).statements, reason: "by stream and position"),
            Part(
                object: "consumer groups", statements: GroupFunctions(self).statements, reason: "leases, offsets, seek"),
            Part(object: "dead letters", statements: DeadLetterFunctions(self).statements, reason: "attempts, redrive"),
            Part(object: "export", statements: ExportFunctions(self).statements, reason: "from a time on"),
            Part(object: "retention", statements: ArchiveTables(self).statements, reason: "what is kept, and archived"),
            Part(object: "subjects", statements: SubjectTables(self).statements, reason: "keys that can be forgotten"),
            Part(
                object: "projections", statements: ProjectionFunctions(self).statements, reason: "their dead letters"),
            Part(
                object: "rights on schema \(name)", statements: ["REVOKE CREATE ON SCHEMA \(schema) FROM \(account)"],
                reason: "requests make nothing there"),
        ]
    }

    /// A function that requests call: with the rights of the role, whoever calls it, within the organisation that is its first
    /// parameter, `p_org`.
    ///
    /// - Parameters:
    ///   - signature: name and parameters, such as `append(p_org uuid)`.
    ///   - types: of the parameters, which name the function for GRANT.
    func function(
        _ signature: String, types: String, returns: String, declare: String = "", _ body: String
    ) -> [String] {
        let name = "\(schema).\(signature.prefix { $0 != "(" })(\(types))"
        return [
            """
            CREATE OR REPLACE FUNCTION \(schema).\(signature) RETURNS \(returns)
            LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
            #variable_conflict use_column
            DECLARE
            \(declare)
            BEGIN
                PERFORM set_config('events.org_id', coalesce(p_org::text, ''), true);
            \(body)
            END
            $function$
            """,
            "ALTER FUNCTION \(name) OWNER TO \(account)",
            // It believes the organisation that it is told: who may call it is the service, and whom its owner grants it.
            "REVOKE ALL ON FUNCTION \(name) FROM PUBLIC",
        ]
    }

    /// For a function that only those above call.
    func helper(_ signature: String) -> [String] {
        [
            "REVOKE ALL ON FUNCTION \(schema).\(signature) FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION \(schema).\(signature) TO \(account)",
        ]
    }
}
