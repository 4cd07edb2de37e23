/// Values as JSON text, without white space; numbers as they were written.
package enum JSONWriter {
    package static func text(_ value: JSONValue) -> String {
        var text = ""
        write(value, to: &text)
        return text
    }

    package static func bytes(_ value: JSONValue) -> [UInt8] { Array(text(value).utf8) }

    /// At most `length` characters of it, for messages.
    package static func shortened(_ value: JSONValue, length: Int = 60) -> String {
        var text = ""
        write(value, to: &text, until: length * 4)
        guard text.count > length else { return text }
        return text.prefix(length - 1) + "…"
    }

    /// Stops soon after `until` bytes.
    private static func write(_ value: JSONValue, to text: inout String, until: Int = .max) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let value): text += value.text
        case .string(let value): write(value, to: &text, until: until)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() where text.utf8.count < until {
                if index > 0 { text += "," }
                write(value, to: &text, until: until)
            }
            text += "]"
        case .object(let object):
            text += "{"
            for (index, member) in object.members.enumerated() where text.utf8.count < until {
                if index > 0 { text += "," }
                write(member.key, to: &text, until: until)
                text += ":"
                write(member.value, to: &text, until: until)
            }
            text += "}"
        }
    }

    private static func write(_ string: String, to text: inout String, until: Int) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
            if text.utf8.count >= until { break }
        }
        text += "\""
    }
}
