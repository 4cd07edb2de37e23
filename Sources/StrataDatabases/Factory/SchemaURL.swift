internal import PostgresDriver

/// A schema's own connection string, from the environment variable `<SCHEMA>_DB_URL`.
struct SchemaURL: Sendable {
    let schema: String
    let variable: String
    let text: SecretText
    let settings: ConnectionSettings

    /// `eventstore` → `EVENTSTORE_DB_URL`: in capitals, and `_` for all that is no letter of ASCII and no digit.
    static func variable(for schema: String) -> String {
        let name = schema.map { character in
            character.isASCII && (character.isLetter || character.isNumber) ? character.uppercased() : "_"
        }
        return name.joined() + "_DB_URL"
    }

    /// An empty variable is one that is not set.
    static func read(_ schemas: [String], _ environment: [String: String]) throws -> [String: SchemaURL] {
        var urls: [String: SchemaURL] = [:]
        for (variable, schemas) in Dictionary(grouping: schemas, by: variable(for:)) {
            guard let text = environment[variable], !text.isEmpty else { continue }
            guard schemas.count == 1, let schema = schemas.first else {
                throw FactoryError.ambiguousVariable(variable, schemas: schemas.sorted())
            }
            urls[schema] = SchemaURL(
                schema: schema, variable: variable, text: SecretText(text),
                settings: try ConnectionSettings.parsed(text, from: variable))
        }
        return urls
    }
}

/// A text that only the code reads: no description, no reflection and no dump shows it.
struct SecretText: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    init(_ text: String) { self.text = text }

    var description: String { "***" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension ConnectionSettings {
    /// Throws `FactoryError.badURL`, without any piece of the string that could be secret.
    static func parsed(_ text: String, from source: String) throws -> ConnectionSettings {
        do { return try ConnectionSettings(text) } catch let error as PostgresError {
            throw FactoryError.badURL(source: source, reason: error.message)
        }
    }
}
