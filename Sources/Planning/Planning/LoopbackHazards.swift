internal import SQLSyntax

/// Foreign tables of this database whose server is this very database: they name a table by text, from the outside.
struct LoopbackHazards {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }

    func hazards() -> [Hazard] {
        catalog.relations.values.filter { $0.kind == .foreignTable }.sorted { $0.oid < $1.oid }.compactMap(hazard)
    }

    private func hazard(_ table: Relation) -> Hazard? {
        guard let server = table.foreignServer.flatMap({ catalog.foreignServers[$0] }), pointsHere(server) else {
            return nil
        }
        let schema = option("schema_name", of: table)
        let remote = QualifiedName(
            schema: schema ?? context.lookup.schemaName(table.schema),
            name: option("table_name", of: table) ?? table.name)
        guard let move = context.relationMoves[remote] else { return nil }
        let name = display(context.finalSchema(of: table), table.name)
        let keyword = schema == nil && context.moveByOID[ObjectReference(.relation, table.oid)] == nil ? "ADD" : "SET"
        let isCarried = context.layout.compatibility == .views && ShimSQL(context: context).step(for: move) != nil
        return Hazard(
            isCarried ? .shimInsufficient : .bindsByName,
            object: display(context.lookup.schemaName(table.schema), table.name),
            message:
                "it is a foreign table of server \(SQL.identifier(server.name)), which is this database, and names "
                + "\(move.oldName): "
                + (isCarried
                    ? "reads and INSERTs go through the compatibility view, UPDATE and DELETE by row (ctid) fail"
                    : "it will fail"),
            remedy: "right after the move: ALTER FOREIGN TABLE \(name) OPTIONS (\(keyword) schema_name "
                + "\(SQL.literal(move.to)))")
    }

    private func option(_ name: String, of table: Relation) -> String? {
        table.foreignOptions.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// Every host and port in its lists has to be this server's; without a port libpq takes 5432.
    private func pointsHere(_ server: ForeignServer) -> Bool {
        guard server.wrapper == "postgres_fdw", server.remoteDatabase == catalog.server.database else { return false }
        let hosts = (server.host ?? "").split(separator: ",", omittingEmptySubsequences: false).map(Self.known)
        let ports = (server.port ?? "").split(separator: ",", omittingEmptySubsequences: false).map {
            $0.isEmpty ? "5432" : String($0)
        }
        return hosts.enumerated().allSatisfy { index, host in
            let port = ports.count == hosts.count ? ports[index] : ports.first ?? "5432"
            return catalog.endpoints.contains { Self.known($0.host[...]) == host && $0.port == port }
        }
    }

    /// One spelling for all names of the machine itself.
    private static func known(_ host: Substring) -> String {
        let name = host.lowercased()
        let isOwn =
            name.isEmpty || name.hasPrefix("/") || name == "localhost" || name == "::1" || name.hasPrefix("127.")
        return isOwn ? "" : name
    }
}
