/// YAML as people write it: names without quotes where nothing else can be meant, lists on one line where they fit.
package enum YamlText {
    /// Lines are at most so long, but for names that are longer by themselves.
    package static let width = 100

    /// A name as a value. `$` is doubled where the decoder would see a variable.
    package static func name(_ name: String) -> String {
        let hasVariable = name.contains("$$") || name.contains("${")
        return scalar(
            hasVariable ? name.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$") : name)
    }

    /// A name as a key, where the decoder replaces nothing.
    package static func key(_ name: String) -> String { scalar(name) }

    private static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    /// Letters, digits and `_`, beginning with a letter or `_`, `-` and `$` inside, and no word that YAML reads as a value.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first == "_" || first.properties.isAlphabetic else { return false }
        guard text.unicodeScalars.allSatisfy({ isWord($0) || $0 == "-" || $0 == "$" }) else { return false }
        return !reserved.contains(text.lowercased())
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .nonspacingMark, .spacingMark:
            return true
        default: return false
        }
    }

    /// YAML 1.1 and 1.2 read these as something other than a text, some only in other programs.
    private static let reserved: Set<String> = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ]

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case " "..."~": result.unicodeScalars.append(scalar)
            default:
                if isWord(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    let isLong = digits.count > 4
                    result +=
                        (isLong ? "\\U" : "\\u") + String(repeating: "0", count: (isLong ? 8 : 4) - digits.count)
                        + digits
                }
            }
        }
        return result + "\""
    }

    /// Without characters that end a line, change a terminal, or are invisible: for comments and messages.
    static func printable(_ text: String) -> String {
        var view = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: view.append("\u{FFFD}")
            default: view.append(scalar)
            }
        }
        return String(view)
    }

    /// Lines that begin with `#`, broken at spaces.
    static func comment(_ text: String, indentation: Int) -> [String] {
        let margin = String(repeating: " ", count: indentation) + "# "
        let style = TextStyle(width: width - margin.count)
        return style.wrap(printable(text), indentation: 0).split(separator: "\n").map { margin + $0 }
    }

    /// One entry of a list: as it stands between brackets, and, for a mapping, the lines it needs where it is too long.
    struct Item {
        var flow: String
        var block: [String] = []
    }

    /// `key: [a, b]` where that fits, else one line for each item.
    static func list(_ key: String, _ items: [Item], indentation: Int) -> [String] {
        let margin = String(repeating: " ", count: indentation)
        let line = "\(margin)\(key): [\(items.map(\.flow).joined(separator: ", "))]"
        guard line.count > width else { return [line] }
        return ["\(margin)\(key):"]
            + items.flatMap { item in
                let line = "\(margin)  - \(item.flow)"
                guard line.count > width, let first = item.block.first else { return [line] }
                return ["\(margin)  - \(first)"] + item.block.dropFirst().map { "\(margin)    \($0)" }
            }
    }
}
