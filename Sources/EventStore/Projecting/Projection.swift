package import Foundation
import SQLSyntax

/// A read model made of a stream: statements for each type of event.
package struct Projection: Sendable {
    package enum OnError: String, Sendable, CaseIterable {
        /// It stands at the event until that is mended.
        case stop
        /// The event is set aside, and it goes on.
        case deadLetter = "dead_letter"
    }

    /// 1 to 63 bytes.
    package var name: String
    package var stream: UUID
    package var organization: UUID
    /// By type; events of other types change nothing.
    package var statements: [String: [ProjectionStatement]]
    package var onError: OnError
    /// Where tables without a schema are looked for, before all others; nil: as the role's settings say.
    package var schema: String?
    /// The tables that its statements fill; a rebuild makes them anew.
    package var tables: [String] = []
    /// By table: columns that no event decides, which a rebuild does not compare.
    package var notCompared: [String: Set<String>] = [:]

    package init(
        _ name: String, of stream: UUID, _ organization: UUID, statements: [String: [ProjectionStatement]],
        onError: OnError = .stop, schema: String? = nil
    ) {
        (self.name, self.stream, self.organization) = (name, stream, organization)
        (self.statements, self.onError, self.schema) = (statements, onError, schema)
    }

    /// Under which the store lists it among the groups of its stream.
    package var group: String { "projection:\(name)" }

    /// What is made of an event, and of which: two projections with the same make the same tables. Not of comments and files.
    package var fingerprint: String {
        var hash = FNV1a128()
        func add(_ text: String) {
            hash.add("\(text.utf8.count):".utf8)
            hash.add(text.utf8)
        }
        for text in [stream.uuidString, organization.uuidString, schema ?? "", onError.rawValue] + tables.sorted() {
            add(text)
        }
        for (type, statements) in statements.sorted(by: { $0.key < $1.key }) {
            add(type)
            for statement in statements { add("\(statement.sql) \(statement.parameters)") }
        }
        return hash.hexadecimal
    }
}

/// A projection's read model and its position, of which there may be three at a time.
package enum ProjectionCopy: String, Sendable, CaseIterable, Codable {
    /// The one that is read.
    case live
    /// The one that a rebuild makes.
    case next
    /// What was live before the last rebuild.
    case old

    /// The schema of its tables.
    func schema(of name: String, live: String) -> String {
        switch self {
        case .live: live
        case .next: "strata_next_\(name)"
        case .old: "strata_old_\(name)"
        }
    }
}

/// Why a projection does not go on by itself.
package enum ProjectionStop: Error, Sendable, Hashable, CustomStringConvertible {
    /// The statements fail with this event, and would again.
    case event(position: Int, type: String, message: String)
    /// Another process is at work with it.
    case busy
    /// Its position was moved by somebody else.
    case moved
    /// It was rebuilt with other statements than this process has.
    case replaced
    /// One of its tables is not in its schema: another one of that name would be filled.
    case noTable(String)

    package var description: String {
        switch self {
        case .event(let position, let type, let message): "event \(position) (\(type)) cannot be projected: \(message)"
        case .busy: "another process is at work with this projection"
        case .moved: "the projection's position was moved by another process"
        case .replaced: "the projection was rebuilt with other statements than this process has"
        case .noTable(let name): "there is no table \(name)"
        }
    }
}
