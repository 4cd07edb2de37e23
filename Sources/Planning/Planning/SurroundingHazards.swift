internal import SQLSyntax

/// What stands around the tables and is bound to their names or schemas: replication, event triggers, row security,
/// defaults by text, scheduled jobs.
struct SurroundingHazards {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }
    private var tableMoves: [Move] { context.moves.filter(\.isTable) }

    func add(to draft: inout PlanDraft) {
        guard !context.moves.isEmpty else { return }
        for hazard in publications() + subscriptions() + eventTriggers() + rowSecurity() { draft.add(hazard) }
        for hazard in rowTypeFunctions() + textDefaults() + scheduledCommands() + partman() { draft.add(hazard) }
        for hazard in LoopbackHazards(context: context).hazards() { draft.add(hazard) }
        for note in notes() { draft.add(note) }
    }

    // MARK: Replication

    private func publications() -> [Hazard] {
        let published = catalog.publications.map { ($0, Set($0.tables)) }
        return tableMoves.flatMap { move in published.compactMap { publication(move, $0.0, tables: $0.1) } }
            + catalog.publications.filter(\.allTables).map(ledgerIsPublished)
    }

    /// The ledger is made of tables like any other, and this kind of publication leaves none out.
    private func ledgerIsPublished(_ publication: Publication) -> Hazard {
        Hazard(
            .stopsReplicating, object: "publication \(SQL.identifier(publication.name))",
            message: "it publishes all tables, and so the ledger that Strata keeps in schema strata; a subscriber "
                + "without those tables stops with an error",
            remedy: "when the run has begun, give each subscriber the same empty tables and it goes on by itself: "
                + "pg_dump --schema-only --schema=strata PUBLISHER | psql SUBSCRIBER")
    }

    private func publication(_ move: Move, _ publication: Publication, tables: Set<OID>) -> Hazard? {
        let object = "publication \(SQL.identifier(publication.name))"
        let from = lookup.schema(named: move.from)?.oid
        let to = lookup.schema(named: move.to)?.oid
        if let from, publication.schemas.contains(from), !tables.contains(move.oid) {
            return Hazard(
                .stopsReplicating, object: object,
                message: "it publishes all tables of schema \(move.from); \(move.oldName) leaves that schema and stops "
                    + "being sent, without an error",
                remedy: "ALTER PUBLICATION \(SQL.identifier(publication.name)) ADD TABLE \(move.oldName) before, "
                    + "and create \(move.newName) on the subscriber")
        }
        if publication.allTables || tables.contains(move.oid) {
            return Hazard(
                .stopsReplicating, object: object,
                message: "\(move.oldName) is sent under its new name after the move; a subscriber that lacks "
                    + "\(move.newName) stops with an error",
                remedy:
                    "let the subscriber catch up, apply here, then move the table on the subscriber to the same schema")
        }
        if let to, publication.schemas.contains(to) {
            return Hazard(
                .stopsReplicating, object: object,
                message:
                    "it publishes all tables of schema \(move.to); \(move.oldName) comes in and is not sent until refreshed",
                remedy: "on each subscriber, after the move: ALTER SUBSCRIPTION … REFRESH PUBLICATION")
        }
        return nil
    }

    private func subscriptions() -> [Hazard] {
        let subscribed = catalog.subscriptions.map { ($0, Set($0.tables)) }
        return tableMoves.flatMap { move in
            subscribed.filter { $0.1.contains(move.oid) }.map { subscription, _ in
                Hazard(
                    .stopsReplicating, object: "subscription \(SQL.identifier(subscription.name))",
                    message: "it writes to \(move.oldName) by the publisher's name for it and will stop with an error",
                    remedy: "move the table on the publisher first, let this side catch up, then apply here")
            }
        }
    }

    // MARK: Triggers and row security

    private func eventTriggers() -> [Hazard] {
        return catalog.eventTriggers.filter {
            $0.enabled != "D" && ($0.tags.isEmpty || !Self.commands.isDisjoint(with: $0.tags))
                && ($0.event.hasPrefix("ddl_command") || $0.event == "sql_drop")
        }.map { trigger in
            let function =
                catalog.functions[trigger.function].map { display(lookup.schemaName($0.schema), $0.name) }
                ?? "a function"
            return Hazard(
                .firesEventTrigger, object: "event trigger \(SQL.identifier(trigger.name))",
                message:
                    "it runs \(function) on the plan's own statements (\(trigger.event)), inside their transactions",
                remedy:
                    "make sure that it lets them pass, or ALTER EVENT TRIGGER \(SQL.identifier(trigger.name)) DISABLE meanwhile"
            )
        }
    }

    /// What steps and their undo send.
    private static let commands: Set<String> = [
        "CREATE SCHEMA", "DROP SCHEMA", "GRANT", "REVOKE", "ALTER DEFAULT PRIVILEGES", "COMMENT", "ALTER TABLE",
        "ALTER FOREIGN TABLE", "ALTER SEQUENCE", "ALTER TYPE", "ALTER DOMAIN", "ALTER STATISTICS", "ALTER VIEW",
        "ALTER MATERIALIZED VIEW", "ALTER ROUTINE", "ALTER FUNCTION", "ALTER PROCEDURE", "ALTER AGGREGATE",
        "CREATE VIEW",
        "DROP VIEW", "CREATE DOMAIN", "DROP DOMAIN", "CREATE FUNCTION", "DROP FUNCTION", "CREATE TRIGGER",
        "DROP TRIGGER", "CREATE INDEX", "DROP INDEX", "ALTER INDEX",
    ]

    private func rowSecurity() -> [Hazard] {
        guard context.layout.compatibility == .views, context.version < 150_000 else { return [] }
        return tableMoves.filter { catalog.relations[$0.oid]?.rowSecurity == true }.map { move in
            Hazard(
                .rowSecurityBypassed, object: move.oldName,
                message: "PostgreSQL \(catalog.server.major) has no security_invoker views: through the old name the "
                    + "table's owner's rights apply, and its row security policies are bypassed",
                remedy: "set compatibility: search_path, or change the application to \(move.newName) first")
        }
    }

    // MARK: Row types and texts

    private func rowTypeFunctions() -> [Hazard] {
        guard context.layout.compatibility == .views else { return [] }
        var byType: [String: Move] = [:]
        for move in tableMoves { byType[display(move.from, move.name)] = move }
        return catalog.functions.values.sorted { $0.oid < $1.oid }.flatMap { function in
            function.inputTypes.compactMap { byType[$0] }.map { move in
                let name = display(lookup.schemaName(function.schema), function.name)
                return Hazard(
                    .shimInsufficient, object: "\(name)(\(function.identityArguments))",
                    message: "it takes a row of \(move.oldName); a row of the compatibility view is of another type",
                    remedy: "in statements that call it, name the table as \(move.newName)")
            }
        }
    }

    /// `nextval('s'::text::regclass)` and the like: a name inside a text, looked up at each call.
    private func textDefaults() -> [Hazard] {
        let sequences = context.moves.filter { $0.object == .relation(.sequence) }
        guard !sequences.isEmpty || !context.ownedSequenceMoves.isEmpty else { return [] }
        var found: [Hazard] = []
        for (table, columns) in catalog.columns.sorted(by: { $0.key < $1.key }) {
            for column in columns {
                guard let expression = column.defaultExpression, expression.contains("::text)::regclass"),
                    let hit = textSequence(in: expression), let relation = catalog.relations[table]
                else { continue }
                let name = display(lookup.schemaName(relation.schema), relation.name)
                found.append(
                    Hazard(
                        .bindsByName, object: "\(name).\(SQL.identifier(column.name))",
                        message:
                            "its default looks up the sequence \(hit.oldName) by text, and inserts will fail: \(expression)",
                        remedy: "ALTER TABLE \(name) ALTER COLUMN \(SQL.identifier(column.name)) SET DEFAULT "
                            + boundByOID(expression, to: hit.oldName) + ", before the move"))
            }
        }
        return found
    }

    /// The same expression with the name looked up once, when it is defined.
    private func boundByOID(_ expression: String, to name: String) -> String {
        expression.replacing(/\('[^']*'::text\)::regclass/) { _ in "\(SQL.literal(name))::regclass" }
    }

    private func textSequence(in expression: String) -> Move? {
        guard let statements = try? SQLParser.parse("SELECT \(expression)") else { return nil }
        for statement in statements {
            let names = NameBinder(context: context).bind(
                StatementReferences.collect(in: statement), path: lookup.searchPath(ofRole: 0).filter { $0 != "$user" })
            for name in names where name.isSequence { if let move = name.move { return move } }
        }
        return nil
    }

    private func scheduledCommands() -> [Hazard] {
        catalog.scheduledCommands.filter { context.mentionsMoved($0.command) }.map { job in
            Hazard(
                .bindsByName, object: "pg_cron job \(job.id) \(job.name)".trimmingTrailingSpace(),
                message: "its command mentions objects that move",
                remedy: "check it after the move: SELECT cron.alter_job(\(job.id), command => …)",
                excerpt: String(job.command.prefix(120)))
        }
    }

    private func partman() -> [Hazard] {
        catalog.partmanParents.compactMap { name in
            guard let parsed = QualifiedName.parse(name), let move = context.relationMoves[parsed] else { return nil }
            return Hazard(
                .bindsByName, object: "pg_partman configuration of \(name)",
                message: "it names the table by text: maintenance will fail and no new partitions will be made",
                remedy:
                    "right after the move: UPDATE part_config SET parent_table = \(SQL.literal("\(move.to).\(move.name)")) "
                    + "WHERE parent_table = \(SQL.literal(name)), and its template table likewise")
        }
    }

    // MARK: Notes

    private func notes() -> [Diagnostic] {
        var notes: [Diagnostic] = []
        if !catalog.server.attachedStandbys.isEmpty {
            notes.append(
                Diagnostic(
                    .note, "standbys-attached",
                    "standbys are attached (\(catalog.server.attachedStandbys.sorted().joined(separator: ", "))): replaying "
                        + "each move's lock there waits for, or cancels, readers of that table",
                    nextStep: "check max_standby_streaming_delay on the standbys"))
        }
        if context.layout.compatibility == .views, !tableMoves.isEmpty {
            notes.append(
                Diagnostic(
                    .note, "shims-are-fixed",
                    "compatibility views have the columns of today: a column added later is not seen through them, and one "
                        + "that they show cannot be dropped before contract. A client that looks at the catalog, as ORMs do "
                        + "when they start, finds no primary key, defaults or NOT NULL under the old name",
                    nextStep: "tell such ORMs the new names (their schema setting) before they are restarted"))
        }
        if let note = StayingObjects(catalog: catalog, lookup: lookup).note(context) { notes.append(note) }
        let emptied = Set(tableMoves.map(\.from)).sorted()
        if !emptied.isEmpty {
            notes.append(
                Diagnostic(
                    .note, "schema-dumps",
                    "pg_dump -n \(emptied.joined(separator: ", -n ")) no longer contains the tables that move",
                    nextStep: "name the new schemas in backup scripts: \(context.targetSchemas.joined(separator: ", "))"
                ))
        }
        return notes
    }
}

extension String {
    func trimmingTrailingSpace() -> String {
        var copy = self
        while copy.last == " " { copy.removeLast() }
        return copy
    }
}
