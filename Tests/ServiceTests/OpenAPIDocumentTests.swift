import Foundation
import JSONSchemas
import TestSupport
import Testing

@testable import Service

/// The document by itself, and the pure parts of the service.
@Suite("Service: document and pure parts")
struct OpenAPIDocumentTests {
    @Test("Every component is a JSON Schema without words of no effect, and every reference leads to one")
    func components() throws {
        for component in APIComponents.texts {
            let schema = try APIComponents.schema(component.name)
            #expect(schema.ignored.isEmpty, "\(component.name): \(schema.ignored)")
        }
        let names = Set(APIComponents.texts.map(\.name))
        #expect(names.count == APIComponents.texts.count)
        let used = Set(references(try APIContract().document))
        #expect(used == names, "missing: \(used.subtracting(names)), not used: \(names.subtracting(used))")
    }

    private func references(_ value: JSONValue) -> [String] {
        switch value {
        case .array(let values): values.flatMap { references($0) }
        case .object(let object):
            object.members.flatMap { member -> [String] in
                guard member.key == "$ref", case .string(let text) = member.value else {
                    return references(member.value)
                }
                return [text.replacing("#/components/schemas/", with: "")]
            }
        default: []
        }
    }

    /// `STRATA_RECORD=1` writes it anew, and fails so that somebody looks.
    @Test("docs/http-api.md is what strata serve --print-api says: every operation and every body")
    func reference() throws {
        let file = TestServer.repository.appending(path: "docs/http-api.md")
        let text = APIReference.text
        if ProcessInfo.processInfo.environment["STRATA_RECORD"] == "1" {
            try Data(text.utf8).write(to: file)
            Issue.record("recorded docs/http-api.md: look at it, then run without STRATA_RECORD")
        }
        #expect(
            try String(contentsOf: file, encoding: .utf8) == text,
            "out of date: strata serve --print-api markdown > docs/http-api.md")
        for endpoint in EventService.endpoints { #expect(text.contains("`\(endpoint.verb) \(endpoint.path)`")) }
        let places = text.split(separator: "](#").dropFirst().compactMap { $0.split(separator: ")").first }
        let headings = text.split(separator: "\n").filter { $0.hasPrefix("#") }.map {
            $0.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased().replacing(" ", with: "-")
        }
        for place in Set(places) { #expect(headings.count { $0 == place } == 1, "#\(place)") }
    }

    @Test("Operations have names of their own, and each says how it may fail")
    func operations() throws {
        let endpoints = EventService.endpoints
        #expect(Set(endpoints.map(\.id)).count == endpoints.count)
        #expect(Set(endpoints.map { "\($0.verb) \($0.path)" }).count == endpoints.count)
        for endpoint in endpoints {
            #expect(endpoint.allProblems.contains(.unexpected))
            #expect(endpoint.access == .anybody || endpoint.allProblems.contains(.unauthorized))
            #expect(endpoint.pathParameters.isEmpty || endpoint.allProblems.contains(.notFound))
        }
    }

    @Test("A bucket grants its burst, then its rate; what is more than the burst is paid for afterwards")
    func bucket() {
        var bucket = TokenBucket(rate: 2, burst: 3, now: 10)
        for _ in 0..<3 { #expect(bucket.take(1, now: 10) == nil) }
        #expect(bucket.take(1, now: 10) == 0.5)
        #expect(bucket.take(1, now: 10.5) == nil)
        // A clock that goes back gives nothing, and takes nothing.
        #expect(bucket.take(1, now: 9) == 0.5)
        #expect(!bucket.isFull(now: 11) && bucket.isFull(now: 12))
        #expect(bucket.take(9, now: 20) == nil && bucket.remaining == 0)
        #expect(bucket.take(1, now: 20) == 3.5)
    }

    @Test("Lines come out whole however their bytes arrive; empty ones are counted and left out")
    func lines() throws {
        let text = Array("one\n\r\n  \ntwo\r\nthree".utf8)
        for size in 1...text.count {
            var reader = LineReader(longest: 10)
            var found: [(Int, String)] = []
            for start in stride(from: 0, to: text.count, by: size) {
                for line in try reader.take(text[start..<min(start + size, text.count)]) {
                    found.append((0, String(decoding: line, as: UTF8.self)))
                }
            }
            if let rest = try reader.rest() { found.append((0, String(decoding: rest, as: UTF8.self))) }
            #expect(found.map { $0.1.filter { $0 != "\r" && $0 != "\r\n" } } == ["one", "two", "three"])
            #expect(reader.number == 5)
        }
        var reader = LineReader(longest: 3)
        #expect(throws: Problem.self) { _ = try reader.take(Array("four".utf8)) }
    }
}
