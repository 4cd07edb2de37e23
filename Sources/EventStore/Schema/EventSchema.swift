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
        /// That of the schema itself, which everything else is in.
        static let place = "schema"

        /// What the store's record calls it, for good: letters and dashes.
        package var key: String
        package var object: String
        package var statements: [String]
        package var reason: String

        /// Changes with every change of its statements; 12 hexadecimal digits.
        package var fingerprint: String {
            var hash = FNV1a128()
            for statement in statements { hash.add("\(statement.utf8.count):\(statement)".utf8) }
            return String(hash.hexadecimal.suffix(12))
        }
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
                key: "role", object: "role \(role)",
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
                key: Part.place, object: "schema \(name)",
                statements: [
                    "CREATE SCHEMA IF NOT EXISTS \(schema)",
                    "GRANT USAGE ON SCHEMA \(schema) TO \(account)",
                ],
                reason: "the event store's place"),
            Part(
                key: "ids", object: "functions of ids and times", statements: EventIdentifiers(self).functions,
                reason: "an id tells its time (UUIDv7)"),
            Part(
                key: "tables", object: "tables", statements: EventTables(self).statements,
                reason: "organisations, streams, events, groups"),
            Part(
                key: "rights", object: "row security and rights", statements: EventRights(self).statements,
                reason: "one organisation sees nothing of another"),
            Part(
                key: "immutability", object: "immutability", statements: EventImmutability(self).statements,
                reason: "events are never updated or deleted"),
            Part(
                key: "partitions", object: "partitions", statements: EventPartitions(self).functions,
                reason: "made ahead, never a default"
            ),
            Part(
                key: "append", object: "append", statements: owned(AppendFunction(self).statements),
                reason: "one call appends"),
            Part(
                key: "reading", object: "reading", statements: owned(ReadFunctions(self).statements),
                reason: "by stream and position"),
            Part(
                key: "groups", object: "consumer groups", statements: owned(GroupFunctions(self).statements),
                reason: "leases, offsets, seek"),
            Part(
                key: "dead-letters", object: "dead letters", statements: owned(DeadLetterFunctions(self).statements),
                reason: "attempts, redrive"),
            Part(
                key: "export", object: "export", statements: owned(ExportFunctions(self).statements),
                reason: "from a time on"),
            Part(
                key: "retention", object: "retention", statements: ArchiveTables(self).statements,
                reason: "what is kept, and archived"),
            Part(
                key: "subjects", object: "subjects", statements: owned(SubjectTables(self).statements),
                reason: "keys that can be forgotten"),
            Part(
                key: "projections", object: "projections", statements: owned(ProjectionFunctions(self).statements),
                reason: "their dead letters"),
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

    /// Who gets a function has to be able to make one there: for as long as it takes.
    private func owned(_ statements: [String]) -> [String] {
        ["GRANT CREATE ON SCHEMA \(schema) TO \(account)"] + statements
            + ["REVOKE CREATE ON SCHEMA \(schema) FROM \(account)"]
    }

    /// For a function that only those above call.
    func helper(_ signature: String) -> [String] {
        [
            "REVOKE ALL ON FUNCTION \(schema).\(signature) FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION \(schema).\(signature) TO \(account)",
        ]
    }
}
