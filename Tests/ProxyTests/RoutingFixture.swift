import PostgresDriver
import SQLSyntax
import TestSupport

@testable import Proxy

/// Reads the catalog of a database made by `sql`.
func withRoutingCatalog<T>(
    _ sql: String, _ body: (RoutingCatalog, Connection) async throws -> T
) async throws -> T {
    try await withTestDatabase("routing") { database in
        try await database.execute(sql)
        let connection = try await database.connect()
        let catalog = try await RoutingCatalog.load(connection)
        let value = try await body(catalog, connection)
        await connection.close()
        return value
    }
}

extension StatementShape {
    static func select(_ reads: String..., functions: [String] = []) -> StatementShape {
        var shape = StatementShape(.select)
        shape.reads = reads.compactMap(QualifiedName.parse)
        shape.functions = functions.compactMap(QualifiedName.parse)
        return shape
    }

    static func insert(_ table: String) -> StatementShape {
        var shape = StatementShape(.write)
        shape.writes = [table].compactMap(QualifiedName.parse)
        return shape
    }

    /// UPDATE and DELETE read what they write.
    static func update(_ table: String) -> StatementShape {
        var shape = insert(table)
        shape.reads = shape.writes
        return shape
    }
}

extension TextClues {
    /// A text with none of the words that matter.
    static let none: TextClues = {
        var clues = TextClues()
        (clues.truncatesReferencing, clues.insertsMayChange, clues.looksAtNode) = (false, false, false)
        return clues
    }()
}

extension RoutingCatalog {
    func classified(
        _ shapes: StatementShape..., path: String = "public", clues: TextClues = .none,
        rules: RoutingRules = RoutingRules(), directives: StatementDirectives = StatementDirectives()
    ) -> StatementClassifier.Classified {
        let path = resolve(SearchPath.parse(path) ?? SearchPath(schemas: []))
        return StatementClassifier.classify(shapes, directives, path, self, rules, clues)
    }

    /// Names of tables that an answer depends on, without views and what is no relation.
    func tablesRead(_ shape: StatementShape, path: String = "public") -> Set<String> {
        let found = classified(shape, path: path).reads.filter { relations[$0].map { $0.kind != .view } ?? false }
        return Set(found.compactMap(relationName))
    }

    func tablesWritten(_ shape: StatementShape, clues: TextClues = .none) -> Set<String> {
        let found = classified(shape, clues: clues).writes.filter { relations[$0].map { $0.kind != .view } ?? false }
        return Set(found.compactMap(relationName))
    }
}
