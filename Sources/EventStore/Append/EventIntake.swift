package import Foundation
package import JSONSchemas

/// Appends what fits the schemas of its streams.
package struct EventIntake: Sendable {
    private let writer: EventWriter
    private let schemas: SchemaCache

    package init(_ writer: EventWriter, _ schemas: SchemaCache) {
        (self.writer, self.schemas) = (writer, schemas)
    }

    /// One payload that its stream's schema does not allow.
    package struct Violation: Sendable, Hashable {
        package var stream: UUID
        /// Of the event among those of its stream, from 0.
        package var event: Int
        package var violation: SchemaViolation
    }

    package struct Violations: Error, Sendable, Hashable {
        /// At most 100.
        package var found: [Violation]
    }

    /// - Parameter payloads: of each part, its events' payloads, as read from what the events have as text.
    /// - Throws: `Violations`, what `EventWriter.append` throws, `Directory.Refusal.notFound`.
    package func append(_ request: AppendRequest, payloads: [[JSONValue]]) async throws -> [AppendedPart] {
        var attempts = 0
        while true {
            attempts += 1
            do {
                return try await writer.append(try await checked(request, payloads))
            } catch let violations as Violations where request.idempotencyKey != nil {
                return try await repeated(request) ?? { throw violations }()
            } catch AppendRefusal.schemaChanged(let stream) where attempts < 5 {
                await schemas.forget(stream, of: request.organization)
            }
        }
    }

    /// What was appended under this key when the schema was another one. No stream has a version -1, so nothing is appended.
    private func repeated(_ request: AppendRequest) async throws -> [AppendedPart]? {
        var question = request
        for index in question.parts.indices { question.parts[index].schemaVersion = -1 }
        do { return try await writer.append(question) } catch AppendRefusal.schemaChanged { return nil }
    }

    private func checked(_ request: AppendRequest, _ payloads: [[JSONValue]]) async throws -> AppendRequest {
        var request = request
        var found: [Violation] = []
        guard payloads.map(\.count) == request.parts.map(\.events.count) else {
            throw AppendRefusal.invalid("there are not as many payloads as events")
        }
        for index in request.parts.indices {
            let stream = request.parts[index].stream
            let current = try await schemas.current(stream, of: request.organization)
            request.parts[index].schemaVersion = current.version
            guard let schema = current.schema else { continue }
            for (event, payload) in payloads[index].enumerated() where found.count < 100 && !schema.isValid(payload) {
                found += schema.validate(payload, limit: 100 - found.count).map {
                    Violation(stream: stream, event: event, violation: $0)
                }
            }
        }
        if !found.isEmpty { throw Violations(found: found) }
        return request
    }
}
