import Foundation
import JSONSchemas
import Synchronization
import Testing

@testable import Service

/// What the OpenAPI document promises, held against what comes.
final class APIContract: Sendable {
    let document: JSONValue
    private let schemas: Mutex<[String: JSONSchema]> = Mutex([:])
    /// Operations that were answered with success.
    private let done: Mutex<Set<String>> = Mutex([])

    init() throws {
        let table = try EndpointTable(EventService.endpoints)
        document = try JSONParser.parse(table.document, limits: JSONLimits(bytes: 4 << 20))
    }

    var succeeded: Set<String> { done.withLock { $0 } }

    func check(_ method: String, _ path: String, _ answer: APIAnswer, _ sourceLocation: SourceLocation) {
        guard let operation = operation(method, path) else {
            // What is no endpoint has no other answer.
            if path.hasPrefix("/v1/"), path != "/v1/openapi.json" {
                #expect(
                    [404, 405].contains(answer.status), "\(method) \(path): \(answer)", sourceLocation: sourceLocation)
            }
            return
        }
        guard let promised = operation["responses"]?["\(answer.status)"] else {
            Issue.record(
                "\(method) \(path): \(answer.status) is not documented: \(answer)", sourceLocation: sourceLocation)
            return
        }
        if answer.status < 400, case .string(let id) = operation["operationId"] { done.withLock { _ = $0.insert(id) } }
        guard case .object(let contents) = promised["content"] else {
            #expect(answer.text.isEmpty, "\(method) \(path): \(answer)", sourceLocation: sourceLocation)
            return
        }
        let type = answer.headers["content-type"] ?? ""
        guard let content = contents[type] else {
            Issue.record("\(method) \(path): \(type) is not documented: \(answer)", sourceLocation: sourceLocation)
            return
        }
        guard type.hasSuffix("json"), type != "application/x-ndjson",
            case .string(let reference) = content["schema"]?["$ref"]
        else { return }
        do {
            let violations = try schema(reference).validate(answer.json)
            #expect(violations.isEmpty, "\(method) \(path): \(answer): \(violations)", sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(reference): \(error)", sourceLocation: sourceLocation)
        }
    }

    private func schema(_ reference: String) throws -> JSONSchema {
        try schemas.withLock { known in
            if let found = known[reference] { return found }
            let name = reference.split(separator: "/").last.map(String.init) ?? ""
            let made = try APIComponents.schema(name)
            known[reference] = made
            return made
        }
    }

    private func operation(_ method: String, _ path: String) -> JSONValue? {
        let parts = path.split(separator: "?")[0].split(separator: "/")
        guard case .object(let paths) = document["paths"] else { return nil }
        let found = paths.members.first { member in
            let known = member.key.split(separator: "/")
            return known.count == parts.count && zip(known, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        return found?.value[method.lowercased()]
    }
}
