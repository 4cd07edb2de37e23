import EventStore
import Foundation
import JSONSchemas

/// JSON as text, for answers that hold JSON of others: that goes in as it is.
enum JSONText {
    struct Object {
        private var body = ""

        mutating func add(_ name: String, raw json: String) {
            body += body.isEmpty ? "{\"" : ",\""
            body += name
            body += "\":"
            body += json
        }

        mutating func add(_ name: String, _ value: String?) { add(name, raw: value.map { quoted($0) } ?? "null") }
        mutating func add(_ name: String, _ value: Int?) { add(name, raw: value.map { String($0) } ?? "null") }
        mutating func add(_ name: String, _ value: Bool) { add(name, raw: value ? "true" : "false") }
        mutating func add(_ name: String, _ value: UUID) { add(name, raw: "\"\(value.text)\"") }
        mutating func add(_ name: String, _ value: Date?) {
            add(name, raw: value.map { "\"\(EventTime.text($0))\"" } ?? "null")
        }

        var text: String { body.isEmpty ? "{}" : body + "}" }
    }

    static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

    /// `{"name": [elements]}`
    static func list(_ name: String, _ elements: [String]) -> String {
        var object = Object()
        object.add(name, raw: array(elements))
        return object.text
    }

    static func quoted(_ value: String) -> String { JSONWriter.text(.string(value)) }
}
