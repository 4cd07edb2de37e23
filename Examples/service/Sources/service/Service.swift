import Foundation
import StrataDatabases

/// Takes orders and writes down who did: once a second, whatever happens to the schema `audit` meanwhile.
@main
struct Service {
    static func main() async throws {
        var options = FactoryOptions()
        options.name = "example-service"
        options.onEvent = { event in print("· \(event)") }
        let databases = try await DatabaseFactory(layout: "layout.yaml", options: options)
        let service = Service(shop: try databases.schema("shop"), audit: try databases.schema("audit"))
        let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 60
        for round in 1...max(1, rounds) {
            if round > 1 { try await Task.sleep(for: .seconds(1)) }
            let order = try await service.order("tea", pieces: round)
            try await service.record("order \(order)")
            let entries = try await service.entries()
            print("order \(order) written; audit has \(entries) entries, in database \(service.audit.database)")
        }
        print("\(databases.poolCount) pools, \(await databases.openConnections()) connections")
        await databases.close()
    }

    let shop: SchemaDatabase
    let audit: SchemaDatabase

    func order(_ article: String, pieces: Int) async throws -> Int {
        try await shop.query(
            "INSERT INTO orders (article, pieces) VALUES ($1, $2) RETURNING id", article, pieces
        ).only().value("id")
    }

    /// May be run again where the schema has moved meanwhile: nothing of a refused transaction was committed.
    func record(_ note: String) async throws {
        try await audit.transaction(onSwitch: .runAgain) { connection in
            try await connection.query("INSERT INTO entries (at, note) VALUES ($1, $2)", Date(), note)
        }
    }

    func entries() async throws -> Int {
        try await audit.query("SELECT count(*) AS n FROM entries").only().value("n")
    }
}
