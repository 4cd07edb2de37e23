package import Foundation
package import JSONSchemas
import Synchronization

/// The schemas of streams, compiled once per version.
///
/// What it knows may be old: each append says which version its payloads were checked against, and is refused when that is not
/// the stream's any more.
package final class SchemaCache: Sendable {
    package struct Current: Sendable {
        /// 0: the stream takes any JSON.
        package var version: Int
        package var schema: JSONSchema?
        /// What is encrypted of payloads that fit the schema.
        package var protection: StreamProtection?
    }

    private struct Key: Hashable {
        var organization: UUID
        var stream: UUID
    }

    let directory: Directory
    private let limit: Int
    private let known = Mutex<[Key: Current]>([:])

    /// - Parameter limit: streams whose schemas are held; beyond that all are forgotten at once, and compiled again as needed.
    package init(_ directory: Directory, limit: Int = 10_000) {
        (self.directory, self.limit) = (directory, max(limit, 1))
    }

    /// - Throws: `Directory.Refusal.notFound`; `SchemaErrors` for one that was put there by hand and is none.
    package nonisolated(nonsending) func current(_ stream: UUID, of organization: UUID) async throws -> Current {
        let key = Key(organization: organization, stream: stream)
        if let found = known.withLock({ $0[key] }) { return found }
        let (version, text) = try await directory.currentSchema(of: stream, organization)
        let schema = try text.map { try JSONSchema.compile(try JSONParser.parse($0, limits: SchemaText.limits)) }
        // Behind the version: one that is declared in between has another version, which the append is refused by.
        let protection = try await directory.protection(of: stream, organization)
        let current = Current(version: version, schema: schema, protection: protection)
        known.withLock { known in
            if known.count >= limit { known.removeAll(keepingCapacity: true) }
            known[key] = current
        }
        return current
    }

    package func forget(_ stream: UUID, of organization: UUID) {
        known.withLock { $0[Key(organization: organization, stream: stream)] = nil }
    }
}

/// What people send as a schema.
package enum SchemaText {
    /// 256 KiB: a schema is read by people.
    static let limits = JSONLimits(bytes: 256 << 10)

    package enum Refusal: Error, Sendable {
        case notJSON(JSONError)
        case mistakes(SchemaErrors)
        case incompatible([SchemaCompatibility.Finding])
        /// Somebody else has added a version meanwhile.
        case overtaken
    }
}

extension Directory {
    /// Gives a stream its next schema, if that is one and its rule allows it after the one before.
    ///
    /// - Parameter rule: nil: that of the version before; `none` for the first.
    /// - Returns: the version, and keywords without effect, which may be slips of the pen.
    /// - Throws: `SchemaText.Refusal`, `Directory.Refusal.notFound`.
    package func setSchema(
        _ text: String, of stream: UUID, _ organization: UUID, rule: SchemaCompatibility.Rule? = nil
    ) async throws -> (version: StreamSchema, ignored: [IgnoredKeyword]) {
        let new = try Self.compiled(text)
        let current = try await self.stream(stream, of: organization)
        let (version, old) = try await currentSchema(of: stream, organization)
        let rule = rule ?? SchemaCompatibility.Rule(rawValue: current.compatibility) ?? .none
        if let old {
            let findings = SchemaCompatibility.check(old: try Self.compiled(old), new: new, rule: rule)
            if !findings.isEmpty { throw SchemaText.Refusal.incompatible(findings) }
        }
        do {
            let added = try await addSchema(
                text, to: stream, of: organization, after: version, compatibility: rule.rawValue)
            return (added, new.ignored)
        } catch Refusal.taken {
            throw SchemaText.Refusal.overtaken
        }
    }

    private static func compiled(_ text: String) throws -> JSONSchema {
        do {
            return try JSONSchema.compile(try JSONParser.parse(text, limits: SchemaText.limits))
        } catch let error as JSONError {
            throw SchemaText.Refusal.notJSON(error)
        } catch let error as SchemaErrors {
            throw SchemaText.Refusal.mistakes(error)
        }
    }
}
