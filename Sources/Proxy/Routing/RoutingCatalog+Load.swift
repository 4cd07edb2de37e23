package import PostgresDriver
import SQLSyntax

extension RoutingCatalog {
    /// Reads what routing needs, in one REPEATABLE READ, READ ONLY snapshot and some twenty queries for 1 or 50,000
    /// tables. They go in one message, and what they say is looked at afterwards: VACUUM of others has to leave all rows
    /// that the snapshot might see, so it lasts no longer than the server needs to answer. The connection must be idle; a
    /// superuser is not needed.
    ///
    /// Throws `PostgresError` (`57014` when one query takes longer than a minute), and `CancellationError`.
    package static func load(_ connection: Connection) async throws -> RoutingCatalog {
        var attempt = 1
        while true {
            do {
                var loader = RoutingCatalogLoader(try await RoutingAnswers.read(connection))
                return RoutingCatalog(try loader.load())
            } catch let error as PostgresError where attempt < 3 && isConcurrentChange(error) {
                attempt += 1
            }
        }
    }

    /// `pg_get_functiondef` sees that a function is gone although the snapshot still has it; a table of splits went, or
    /// its rights, between the question which there are and the other questions.
    private static func isConcurrentChange(_ error: PostgresError) -> Bool {
        guard let state = error.sqlState else { return false }
        return state == "XX000" || state == .undefinedFunction || state == .undefinedObject || state == .undefinedTable
            || state == .insufficientPrivilege
    }
}

/// Puts the answers together.
struct RoutingCatalogLoader {
    private let answers: RoutingAnswers
    private var parts = RoutingCatalog.Parts()
    private var sources: [UInt32: FunctionTouches.Source] = [:]
    private var extensions: [UInt32: String] = [:]

    init(_ answers: RoutingAnswers) { self.answers = answers }

    mutating func load() throws -> RoutingCatalog.Parts {
        parts.token = try answers[.token].only().string("token")
        try readSchemas()
        try readSplits()
        try readRelations()
        try readFunctions()
        try readTriggers()
        readBodies()
        try readTypesAndOperators()
        try readRules()
        try readDefaultsAndPolicies()
        try readSearchPaths()
        parts.isKnown = true
        return parts
    }

    private mutating func readSchemas() throws {
        for row in answers[.schemas] {
            parts.names.schemas[try row.string("nspname")] = try row.uint32("oid")
        }
        for row in answers[.guardedSchemas] {
            parts.guardedSchemas[try row.uint32("oid")] = Set(try row.textArray("users"))
        }
    }

    /// Everybody may read these columns; where the tables are not there, no split is.
    private mutating func readSplits() throws {
        parts.incoming = Set(try answers[.incoming].map { try $0.string("schema") })
        parts.copies = Set(
            try answers[.copied].map {
                QualifiedName(schema: try $0.string("schema"), name: try $0.string("name"))
            })
        for row in answers[.leaving] {
            let schema = try row.string("schema")
            switch try row.string("state") {
            case "switched", "reversing", "completing": parts.left.insert(schema)
            default: parts.leaving.insert(schema)
            }
        }
    }

    private mutating func readRelations() throws {
        let system = Set(["pg_catalog", "information_schema"].compactMap { parts.names.schemas[$0] })
        for row in answers[.relations] {
            guard let kind = RoutingRelation.Kind(rawValue: try row.string("kind")),
                let persistence = RoutingRelation.Persistence(rawValue: try row.string("persistence"))
            else { continue }
            let schema = try row.uint32("relnamespace")
            parts.add(
                RoutingRelation(
                    oid: try row.uint32("oid"), schema: schema, name: try row.string("relname"), kind: kind,
                    persistence: persistence, isSystem: system.contains(schema)))
        }
        for row in answers[.shims] { parts.shims.insert(try row.uint32("objoid")) }
        for row in answers[.inheritance] {
            parts.addChild(try row.uint32("inhrelid"), of: try row.uint32("inhparent"))
        }
        for row in answers[.foreignKeys] {
            let (table, target) = (try row.uint32("conrelid"), try row.uint32("confrelid"))
            parts.referencing[target, default: []].append(table)
            if try row.bool("acts") { parts.cascades[target, default: []].append(table) }
        }
    }

    private mutating func readFunctions() throws {
        var supports: [UInt32: [UInt32]] = [:]
        for row in answers[.aggregates] {
            supports[try row.uint32("oid")] = try row.uint32Array("supports").filter { $0 != 0 }
        }
        for row in answers[.functions] {
            let oid = try row.uint32("oid")
            let volatility = RoutingFunction.Volatility(rawValue: try row.string("volatility")) ?? .volatile
            let function = RoutingFunction(
                oid: oid, schema: try row.uint32("pronamespace"), name: try row.string("proname"),
                volatility: volatility, language: try row.string("lanname"))
            parts.add(oid < RoutingCatalog.firstUserOID ? KnownFunctions.builtIn(function) : function)
            guard oid >= RoutingCatalog.firstUserOID else { continue }
            if let name = try row.optionalString("extname") { extensions[oid] = name }
            sources[oid] = FunctionTouches.Source(
                volatility: volatility, language: function.language,
                definition: try row.optionalString("definition") ?? "", body: try row.optionalString("body") ?? "",
                tree: try row.optionalString("tree"), supports: supports[oid] ?? [],
                isAggregate: try row.string("kind") == "a", transitionTables: [])
        }
    }

    private mutating func readTriggers() throws {
        for row in answers[.triggers] {
            let (relation, function) = (try row.uint32("tgrelid"), try row.uint32("tgfoid"))
            var touches = NodeTree([try row.optionalString("condition")]).touches(of: relation)
            touches.calls.append(function)
            parts.onWrite[relation, default: Touches()].add(touches)
            let tables = [try row.optionalString("tgoldtable"), try row.optionalString("tgnewtable")]
            sources[function]?.transitionTables.formUnion(tables.compactMap { $0 })
        }
        for row in answers[.eventTriggers] {
            parts.eventTriggerFunctions.append(try row.uint32("evtfoid"))
        }
    }

    /// Needs all relations, functions and triggers.
    private mutating func readBodies() {
        let reader = FunctionTouches(parts.names)
        for (oid, source) in sources {
            guard var function = parts.functions[oid] else { continue }
            if let known = KnownFunctions.ofExtension(extensions[oid], function) {
                function = known
            } else {
                function.touches = reader.touches(of: source)
                function.needsPrimary = source.volatility == .volatile
            }
            parts.functions[oid] = function
        }
    }

    private mutating func readTypesAndOperators() throws {
        for row in answers[.types] {
            let type = RoutingType(oid: try row.uint32("oid"), inputFunction: try row.optionalUInt32("input"))
            parts.types[NameKey(schema: try row.uint32("typnamespace"), name: try row.string("typname"))] = type
        }
        for row in answers[.operators] {
            let function = try row.uint32("function")
            let key = NameKey(schema: try row.uint32("oprnamespace"), name: try row.string("oprname"))
            parts.operators[key, default: []].append(function)
            if try row.bool("has_builtin_name") { addAmbient(function) }
        }
        for row in answers[.castFunctions] { addAmbient(try row.uint32("function")) }
    }

    private mutating func addAmbient(_ function: UInt32) {
        guard let known = parts.functions[function], known.needsPrimary,
            !parts.ambientFunctions.contains(function)
        else { return }
        parts.ambientFunctions.append(function)
    }

    /// Views are rules too: `_RETURN` for SELECT, event 1.
    private mutating func readRules() throws {
        for row in answers[.rules] {
            let relation = try row.uint32("ev_class")
            let trees = NodeTree([try row.optionalString("condition"), try row.optionalString("action")])
            var touches = trees.touches(of: relation)
            guard try row.string("event") == "1" else {
                parts.onWrite[relation, default: Touches()].add(touches)
                continue
            }
            // A materialized view is read as it was when it was last refreshed.
            guard let kind = parts.relations[relation]?.kind, kind == .view else { continue }
            parts.onRead[relation, default: Touches()].add(touches)
            touches.writes = touches.reads.filter { parts.relations[$0]?.isSystem == false }
            parts.onWrite[relation, default: Touches()].add(touches)
        }
    }

    private mutating func readDefaultsAndPolicies() throws {
        for row in answers[.defaults] {
            let relation = try row.uint32("adrelid")
            var touches = NodeTree([try row.optionalString("tree")]).touches(of: relation)
            touches.calls.removeAll { parts.functions[$0]?.touches.isEmpty ?? false }
            if !touches.isEmpty { parts.onWrite[relation, default: Touches()].add(touches) }
        }
        for row in answers[.policies] {
            let relation = try row.uint32("polrelid")
            let using = NodeTree([try row.optionalString("condition")]).touches(of: relation)
            let check = NodeTree([try row.optionalString("check")]).touches(of: relation)
            parts.onRead[relation, default: Touches()].add(using)
            parts.onWrite[relation, default: Touches()].add(using)
            parts.onWrite[relation, default: Touches()].add(check)
        }
    }

    private mutating func readSearchPaths() throws {
        if let row = answers[.serverSearchPath].first {
            parts.searchPaths.server = try row.string("value")
        }
        for row in answers[.searchPaths] {
            let (value, role) = (try row.string("value"), try row.optionalString("rolname"))
            if let role, try row.bool("is_here") {
                parts.searchPaths.rolesHere[role] = value
            } else if let role {
                parts.searchPaths.roles[role] = value
            } else if try row.bool("is_here") {
                parts.searchPaths.database = value
            }
        }
    }
}
