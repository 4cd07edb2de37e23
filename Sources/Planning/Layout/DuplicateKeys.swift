import Yams

/// Yams stops at the first mapping with a key given twice and tells one place only. So that all of them can be reported
/// with both places, the first key is renamed in a copy of the text, and the copy is read again.
enum DuplicateKeys {
    struct Place: Hashable {
        var line: Int
        var column: Int

        init(_ place: SourcePlace) { (line, column) = (place.line, place.column) }
        init(_ mark: Mark) { (line, column) = (mark.line, mark.column) }
    }

    private static let maximumRounds = 20

    /// The document, and the true names of the keys that had to be renamed.
    static func compose(_ text: String) throws -> (root: Node?, renamed: [Place: String]) {
        var renamed: [Place: String] = [:]
        var scalars = Array(text.unicodeScalars)
        var current = text
        while true {
            do {
                return (try Yams.compose(yaml: current, .basic, .default, .utf8), renamed)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) where renamed.count < maximumRounds {
                let place = Place(context.mark)
                guard let key = keys.first, renamed[place] == nil,
                    let start = offset(of: place, in: scalars),
                    let range = range(of: key, in: scalars, from: start)
                else { throw YamlError.duplicatedKeysInMapping(duplicates: keys, context: context) }
                renamed[place] = key
                scalars.replaceSubrange(range, with: placeholder(renamed.count, length: range.count))
                var view = String.UnicodeScalarView()
                view.append(contentsOf: scalars)
                current = String(view)
            }
        }
    }

    /// Private-use letters, as many as the key has, so that no other place moves.
    private static func placeholder(_ number: Int, length: Int) -> [Unicode.Scalar] {
        [Unicode.Scalar](repeating: Unicode.Scalar(UInt32(0xF0000 + number)) ?? "\u{F0000}", count: length)
    }

    private static func offset(of place: Place, in scalars: [Unicode.Scalar]) -> Int? {
        var line = 1
        var index = 0
        while index < scalars.count, line < place.line {
            switch scalars[index] {
            case "\r" where index + 1 < scalars.count && scalars[index + 1] == "\n": break
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": line += 1
            default: break
            }
            index += 1
        }
        let offset = index + place.column - 1
        return line == place.line && offset < scalars.count ? offset : nil
    }

    /// Where the key is written, without its quotes; nil where it is written in another way (escapes).
    private static func range(of key: String, in scalars: [Unicode.Scalar], from start: Int) -> Range<Int>? {
        let wanted = Array(key.unicodeScalars)
        let quoted = scalars[start] == "\"" || scalars[start] == "'"
        let first = quoted ? start + 1 : start
        guard !wanted.isEmpty, first + wanted.count <= scalars.count else { return nil }
        return scalars[first..<(first + wanted.count)].elementsEqual(wanted) ? first..<(first + wanted.count) : nil
    }
}
