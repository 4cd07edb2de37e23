/// A place within a JSON value, by RFC 6901: empty for the whole, else `/key/0`, with `~` as `~0` and `/` as `~1`.
package struct JSONPointer: Sendable {
    /// Unescaped.
    package var tokens: [String]

    package init(tokens: [String] = []) { self.tokens = tokens }

    /// Nil if the text is no pointer: it has to begin with a slash, and `~` has to be followed by 0 or 1.
    package init?(_ text: String) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == 0x2F else { return nil }
        var tokens: [String] = []
        for part in text.utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false) {
            guard let token = JSONPointer.unescaped(part) else { return nil }
            tokens.append(token)
        }
        self.tokens = tokens
    }

    package func appending(_ token: String) -> JSONPointer { JSONPointer(tokens: tokens + [token]) }
    package func appending(_ index: Int) -> JSONPointer { appending(String(index)) }

    /// The value there, if there is one.
    package func resolve(in value: JSONValue) -> JSONValue? {
        var value = value
        for token in tokens {
            switch value {
            case .object(let object):
                guard let next = object[token] else { return nil }
                value = next
            case .array(let values):
                guard let index = JSONPointer.index(token), index < values.count else { return nil }
                value = values[index]
            default: return nil
            }
        }
        return value
    }

    /// An index of an array: digits without a zero in front.
    static func index(_ token: String) -> Int? {
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            token.utf8.count == 1 || token.utf8.first != 0x30
        else { return nil }
        return Int(token)
    }

    private static func unescaped(_ part: Substring.UTF8View) -> String? {
        guard part.contains(0x7E) else { return String(Substring(part)) }
        var bytes: [UInt8] = []
        var rest = part.makeIterator()
        while let byte = rest.next() {
            guard byte == 0x7E else {
                bytes.append(byte)
                continue
            }
            switch rest.next() {
            case 0x30: bytes.append(0x7E)
            case 0x31: bytes.append(0x2F)
            default: return nil
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONPointer: Hashable, CustomStringConvertible {
    package static func == (left: JSONPointer, right: JSONPointer) -> Bool {
        left.tokens.count == right.tokens.count
            && zip(left.tokens, right.tokens).allSatisfy { $0.isIdenticalText(to: $1) }
    }

    package func hash(into hasher: inout Hasher) {
        for token in tokens { hasher.combine(JSONKey(token)) }
    }

    package var description: String {
        var text = ""
        for token in tokens {
            text += "/"
            for scalar in token.unicodeScalars {
                switch scalar {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }
}
