package import Foundation
package import JSONSchemas

/// Appends what fits the schemas of its streams, with what they have encrypted for its subjects.
package struct EventIntake: Sendable {
    private let writer: EventWriter
    private let schemas: SchemaCache
    private let vault: SubjectVault

    /// - Parameter subjects: what members are encrypted with; a stream that has none needs nothing of it.
    package init(_ writer: EventWriter, _ schemas: SchemaCache, subjects: SubjectAccess = .environment) {
        (self.writer, self.schemas) = (writer, schemas)
        vault = SubjectVault(schemas.directory.schema, schemas.directory.pool, subjects)
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
    /// - Throws: `Violations`, what `EventWriter.append` throws, `Directory.Refusal.notFound`; `EventStoreProblem` where members are
    ///   to be encrypted and there is no master key, or their subject was forgotten.
    package nonisolated(nonsending) func append(
        _ request: AppendRequest, payloads: [[JSONValue]]
    ) async throws -> [AppendedPart] {
        var (attempts, isFresh) = (0, false)
        while true {
            attempts += 1
            let (checked, found) = try await checked(request, payloads)
            if !found.isEmpty {
                if !isFresh {
                    // Perhaps of a schema that the stream has no more: who is refused never comes to the store to hear of it.
                    isFresh = true
                    for part in request.parts { schemas.forget(part.stream, of: request.organization) }
                    continue
                }
                if request.idempotencyKey != nil, let known = try await repeated(checked, payloads) { return known }
                throw Violations(found: found)
            }
            do {
                return try await writer.append(try await protected(checked, payloads))
            } catch AppendRefusal.schemaChanged(let stream) where attempts < 5 {
                schemas.forget(stream, of: request.organization)
            }
        }
    }

    /// What was appended under this key when the schema was another one. No stream has a version -1, so nothing is appended.
    private func repeated(_ request: AppendRequest, _ payloads: [[JSONValue]]) async throws -> [AppendedPart]? {
        do {
            var question = try await protected(request, payloads)
            for index in question.parts.indices { question.parts[index].schemaVersion = -1 }
            return try await writer.append(question)
        } catch AppendRefusal.schemaChanged {
            return nil
        } catch AppendRefusal.invalid {
            return nil
        } catch is EventStoreProblem {
            return nil
        }
    }

    /// What is encrypted is so after it was checked.
    private nonisolated(nonsending) func protected(
        _ request: AppendRequest, _ payloads: [[JSONValue]]
    ) async throws -> AppendRequest {
        var request = request
        for index in request.parts.indices {
            // Of another version than was checked, where the store refuses it.
            let current = try await schemas.current(request.parts[index].stream, of: request.organization)
            guard let protection = current.protection else { continue }
            request.parts[index] = try await vault.protect(
                request.parts[index], payloads[index], protection, of: request.organization,
                idempotencyKey: request.idempotencyKey)
        }
        return request
    }

    /// The request with the versions that its payloads were checked against.
    private nonisolated(nonsending) func checked(
        _ request: AppendRequest, _ payloads: [[JSONValue]]
    ) async throws -> (request: AppendRequest, found: [Violation]) {
        var request = request
        var found: [Violation] = []
        guard payloads.map(\.count) == request.parts.map(\.events.count) else {
            throw AppendRefusal.invalid("there are not as many payloads as events")
        }
        for index in request.parts.indices {
            let stream = request.parts[index].stream
            let current = try await schemas.current(stream, of: request.organization)
            request.parts[index].schemaVersion = current.version
            if let schema = current.schema {
                for (event, payload) in payloads[index].enumerated() where found.count < 100 && !schema.isValid(payload)
                {
                    found += schema.validate(payload, limit: 100 - found.count).map {
                        Violation(stream: stream, event: event, violation: $0)
                    }
                }
            }
        }
        return (request, found)
    }
}
