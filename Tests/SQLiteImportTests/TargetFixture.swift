import Foundation
import PostgresDriver
import SQLiteImport
import TestSupport

/// A SQLite file, a mapping by declared types, and what is made of them on a real PostgreSQL.
struct TargetFixture {
    let file: SQLiteFile
    var schema: SourceSchema
    var mapping: ImportMapping

    init(_ sql: String, _ types: [String: TargetType] = [:]) throws { try self.init(SQLiteFile(sql), types) }

    /// `types` by column name override what the declared type says.
    init(_ file: SQLiteFile, _ types: [String: TargetType] = [:]) throws {
        self.file = file
        schema = try file.schema()
        let names = ImportNames(schema)
        mapping = ImportMapping(
            tables: zip(schema.tables, names.tables).map { table, place in
                var place = place
                place.columns = table.columns.map { column in
                    ColumnMapping(
                        column.name, name: names.columns[table.name]?[column.name],
                        types[column.name] ?? Self.type(column, isRowid: table.rowidAlias == column.name))
                }
                return place
            })
    }

    static func type(_ column: SourceColumn, isRowid: Bool) -> TargetType {
        let declared = column.declared.lowercased()
        if isRowid { return .bigint }
        if declared.contains("bool") { return .boolean }
        if declared.contains("json") { return .jsonb }
        if declared.contains("timestamp") || declared.contains("datetime") { return .timestamp(nil) }
        if declared == "date" { return .date }
        if declared == "integer_or_text" { return .text }
        return switch column.affinity {
        case .integer: .bigint
        case .text: .text
        case .blob: declared.isEmpty ? .text : .bytea
        case .real: .doublePrecision
        case .numeric: .numeric(precision: nil, scale: nil)
        }
    }

    var target: TargetDefinition { TargetDefinition(schema, mapping) }
    func translation(of table: String = "t") -> ExpressionTranslation {
        ExpressionTranslation(
            schema.tables.first { $0.name == table } ?? SourceTable(table, sql: ""),
            mapping.table(table) ?? TableMapping(table, schema: "public", name: table))
    }

    /// All statements, in their order.
    @discardableResult
    func make(on connection: Connection) async throws -> TargetDefinition {
        let target = target
        for statement in target.statements {
            do {
                try await connection.execute(statement.sql)
            } catch {
                throw Failure(sql: statement.sql, error: "\(error)")
            }
        }
        return target
    }

    struct Failure: Error, CustomStringConvertible {
        var sql: String
        var error: String
        var description: String { "\(error)\n\(sql)" }
    }
}

extension TestDatabase {
    func with<T>(_ body: (Connection) async throws -> T) async throws -> T {
        let connection = try await connect()
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension Connection {
    /// The first column of each row.
    func texts(_ sql: String) async throws -> [String] {
        try await query(sql).map { try $0.isNull(0) ? "NULL" : $0.string(0) }
    }

    /// Whether the statement is refused.
    func refuses(_ sql: String) async -> Bool {
        do {
            try await execute(sql)
            return false
        } catch {
            return true
        }
    }
}

extension SQLiteFile {
    func refuses(_ sql: String) -> Bool { (try? execute(sql)) == nil }
}
