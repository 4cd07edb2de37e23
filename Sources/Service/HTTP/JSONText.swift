import Foundation

/// JSON as text, for answers that hold JSON of others: that goes in as it is.
enum JSONText {
    struct Object {
        private var body = ""

        mutating func add(_ name: String, raw json: String) {
            body += body.isEmpty ? "{" : ","
            body += "\"\(name)\":"
            body += json
        }

        mutating func add(_ name: String, _ value: String?) { add(name, raw: value.map { quoted($0) } ?? "null") }
        mutating func add(_ name: String, _ value: Int?) { add(name, raw: value.map { String($0) } ?? "null") }
        mutating func add(_ name: String, _ value: Bool) { add(name, raw: value ? "true" : "false") }
        mutating func add(_ name: String, _ value: UUID) { add(name, value.uuidString.lowercased()) }
        mutating func add(_ name: String, _ value: Date?) { add(name, value.map { time($0) }) }

        var text: String { body.isEmpty ? "{}" : body + "}" }
    }

    static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

    /// `2026-11-22T07:15:03.123Z`
    static func time(_ date: Date) -> String { date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }

    static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20:
                text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
