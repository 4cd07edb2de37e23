import ArgumentParser
import Foundation
import Planning
import PostgresDriver
import Proxy

/// `strata route`: what the proxy would do with a statement, without a proxy.
struct RouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route",
        abstract: "Says where the proxy sends a statement, and why. Runs nothing.",
        discussion: """
            Reads the tables, functions and rules of the database and decides as the proxy does. Where the layout puts
            schemas into other databases, those are read too; --database looks at one alone.

            Examples:
              strata route 'SELECT * FROM orders'
              strata route 'SELECT next_invoice()' --role app --format json
              strata route - < query.sql
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("One or more statements; - reads them from stdin.", valueName: "sql"))
    var statements: String

    @Option(help: ArgumentHelp("The session's search_path, instead of the role's own.", valueName: "path"))
    var searchPath: String?

    @Option(help: ArgumentHelp("The role that runs it, instead of the one that connects.", valueName: "name"))
    var role: String?

    @Option(help: ArgumentHelp("Database of the layout, instead of the main one.", valueName: "name"))
    var database: String?

    /// Of stdin. Beyond 1 MiB the answer is that the proxy does not read it.
    private static let maximumBytes = 16 << 20

    func run() async throws {
        let sql = try text()
        let workplace = Workplace(global)
        let layout = try workplace.layoutIfPresent()
        let connection = try await connect(workplace, layout)
        let explanation: RouteExplanation
        do {
            explanation = try await explain(sql, layout, on: connection)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        noteReplicas(workplace, layout, explanation)
        switch global.format {
        case .text: workplace.console.output(explanation.text)
        case .json:
            workplace.console.output(try JSONOutput.text(explanation))
        }
    }

    private func text() throws -> String {
        var sql = statements
        if sql == "-" {
            let data = try FileHandle.standardInput.read(upToCount: Self.maximumBytes + 1) ?? Data()
            guard data.count <= Self.maximumBytes else { throw ValidationError("stdin holds more than 16 MiB of SQL") }
            guard let text = String(bytes: data, encoding: .utf8) else {
                throw ValidationError("stdin is not UTF-8 text")
            }
            sql = text
        }
        guard !sql.allSatisfy(\.isWhitespace) else { throw ValidationError("there is no SQL to look at") }
        return sql
    }

    private func connect(_ workplace: Workplace, _ layout: Layout?) async throws -> Connection {
        guard let database, database != layout?.mainDatabase ?? "main" else {
            return try await workplace.connect(layout, command: "route")
        }
        guard let other = layout?.databases.first(where: { $0.name == database }) else {
            let known = layout?.databases.map(\.name) ?? []
            let step =
                nearestName(to: database, among: known).map { "did you mean --database \($0)?" }
                ?? "the layout has \(known.isEmpty ? "the database main only" : known.joined(separator: ", "))"
            throw DiagnosticsError(
                Diagnostic(.error, "unknown-database", "the layout has no database \(database)", nextStep: step))
        }
        return try await connect(to: other, database)
    }

    private func connect(to other: Database?, _ name: String) async throws -> Connection {
        let workplace = Workplace(global)
        _ = try workplace.settings(ofOther: other, name)
        var options = workplace.options
        options.url = other?.url
        return try await Workplace(options).connect(nil, command: "route")
    }

    private func explain(_ sql: String, _ layout: Layout?, on connection: Connection) async throws -> RouteExplanation {
        let catalog = try await RoutingCatalog.load(connection)
        let session = try await connection.query("SELECT current_user::text, current_setting('search_path')").only()
        var path = try session.string(1)
        if let role {
            let known = try await connection.query(
                "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", [.text(role)])
            guard known.count > 0 else {
                throw DiagnosticsError(
                    Diagnostic(
                        .error, "unknown-role", "the server has no role \(role)",
                        nextStep: "write it as pg_roles shows it: upper and lower case are kept"))
            }
            path = catalog.searchPaths.value(for: role)
        }
        if let searchPath {
            // The server says what is wrong with it.
            let set = "SELECT pg_catalog.set_config('search_path', $1, false)"
            path = try await connection.query(set, [.text(searchPath)]).only().string(0)
        }
        let user = try role ?? session.string(0)
        let rules = RoutingRules(layout?.routing?.routes ?? [])
        let freshness = layout?.routing?.freshness ?? .table
        if database == nil, let layout, let placement = await placement(layout, main: catalog) {
            return RouteExplanation.explain(
                sql, searchPath: path, role: user, placement: placement, rules: rules, freshness: freshness)
        }
        return RouteExplanation.explain(
            sql, searchPath: path, role: user, catalog: catalog, rules: rules, freshness: freshness)
    }

    /// Where schemas live, with the catalogs of all databases that have some; nil: all live in the main one.
    private func placement(_ layout: Layout, main: RoutingCatalog) async -> Proxy.Placement? {
        let schemas = ProxySetup.schemas(layout)
        let others = Set(schemas.values).subtracting([layout.mainDatabase]).sorted()
        var catalogs = [main]
        for name in others { catalogs.append(await catalog(of: name, layout)) }
        return Proxy.Placement(schemas: schemas, databases: [layout.mainDatabase] + others, catalogs: catalogs)
    }

    /// An empty one where the database cannot be read: the proxy goes on without it too.
    private func catalog(of name: String, _ layout: Layout) async -> RoutingCatalog {
        do {
            let connection = try await connect(to: layout.databases.first { $0.name == name }, name)
            let catalog: RoutingCatalog
            do { catalog = try await RoutingCatalog.load(connection) } catch {
                await connection.close()
                throw error
            }
            await connection.close()
            return catalog
        } catch {
            // That a url is not set has been said of the layout.
            let isSaid = (error as? DiagnosticsError)?.diagnostics.contains { $0.code == "unset-url" } ?? false
            let reason = isSaid ? "" : ": \(Workplace.summary(of: error))"
            Workplace(global).say("database \(name) cannot be read, so its tables are not known\(reason)")
            return .unknown
        }
    }

    private func noteReplicas(_ workplace: Workplace, _ layout: Layout?, _ explanation: RouteExplanation) {
        guard explanation.target != "refused" else { return }
        guard let layout else {
            return workplace.say(
                "there is no layout (\(workplace.options.layout)): one database is looked at, without rules")
        }
        let name = database ?? explanation.database ?? layout.mainDatabase
        guard layout.databases.first(where: { $0.name == name })?.replicas.isEmpty ?? true else { return }
        workplace.say("database \(name) has no replicas in the layout: all of it runs on the primary")
    }
}
