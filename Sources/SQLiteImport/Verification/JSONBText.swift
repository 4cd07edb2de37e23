import JSONSchemas

/// A JSON value as PostgreSQL writes a jsonb: members by the length of their keys and then by their bytes, a space behind
/// each colon and comma, numbers without exponents (src/backend/utils/adt/jsonb.c, JsonbToCString).
enum JSONBText {
    static func text(_ value: JSONValue) -> String {
        var text = ""
        write(value, &text)
        return text
    }

    private static func write(_ value: JSONValue, _ text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += PlainDecimal.text(number.text, keepsScale: true)
        case .string(let string): write(string, &text)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += ", " }
                write(value, &text)
            }
            text += "]"
        case .object(let object):
            let members = object.members.map { (key: Array($0.key.utf8), member: $0) }.sorted {
                $0.key.count != $1.key.count ? $0.key.count < $1.key.count : $0.key.lexicographicallyPrecedes($1.key)
            }
            text += "{"
            for (index, entry) in members.enumerated() {
                if index > 0 { text += ", " }
                write(entry.member.key, &text)
                text += ": "
                write(entry.member.value, &text)
            }
            text += "}"
        }
    }

    private static func write(_ string: String, _ text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
