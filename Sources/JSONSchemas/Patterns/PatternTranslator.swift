/// Regular expressions of ECMA-262 (with the flag `u`) as PCRE2 writes them, so that a pattern means the same here and in
/// a browser: `.`, `\s` and `$` differ, and what only PCRE2 knows is refused instead of meaning something else.
///
/// As ECMA-262 does without that flag, `]`, `{` and `}` alone stand for themselves, and a backslash before punctuation
/// is allowed.
struct PatternTranslator {
    typealias Failure = Pattern.Failure

    /// White space and line ends of ECMA-262, as ranges of a class.
    static let space: [ClosedRange<UInt32>] = [
        0x9...0xD, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ]

    private enum Group { case plain, assertion }

    let scalars: [Unicode.Scalar]
    var position = 0
    var output = ""
    private var open: [Group] = []
    /// Whether a quantifier may follow.
    private var hasAtom = false
    private var groupCount = 0
    private var names: [String: Int] = [:]

    static func translate(_ source: String) throws(Failure) -> String {
        var translator = PatternTranslator(scalars: Array(source.unicodeScalars))
        try translator.findGroups()
        while let next = translator.peek { try translator.term(next) }
        guard translator.open.isEmpty else { throw Failure(message: "a parenthesis is not closed") }
        return translator.output
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    func failure(_ message: String) -> Failure { Failure(message: message) }

    func isNext(_ text: String) -> Bool { scalars[position...].starts(with: text.unicodeScalars) }

    mutating func take(_ text: String) -> Bool {
        guard isNext(text) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private mutating func atom(_ text: String) {
        output += text
        hasAtom = true
    }

    private mutating func term(_ next: Unicode.Scalar) throws(Failure) {
        switch next {
        case "(": try beginGroup()
        case ")": try endGroup()
        case "|", "^", "$":
            position += 1
            output.unicodeScalars.append(next)
            hasAtom = false
        case "*", "+", "?":
            position += 1
            try quantifier(String(next))
        case "{":
            if let counted = try countedQuantifier() { try quantifier(counted) } else { literal(next) }
        case ".":
            position += 1
            atom("[^\\n\\r\\x{2028}\\x{2029}]")
        case "[": atom(try characterClass())
        case "\\": try escape()
        default: literal(next)
        }
    }

    private mutating func literal(_ scalar: Unicode.Scalar) {
        position += 1
        atom(PatternTranslator.written(scalar))
    }

    private mutating func beginGroup() throws(Failure) {
        hasAtom = false
        for (text, group) in [
            ("(?:", Group.plain), ("(?=", .assertion), ("(?!", .assertion), ("(?<=", .assertion),
            ("(?<!", .assertion),
        ] where take(text) {
            output += text
            open.append(group)
            return
        }
        if take("(?<") {
            _ = try groupName()
        } else if isNext("(?") {
            throw failure("a group begins in a way that ECMA-262 does not have: (?")
        } else {
            position += 1
        }
        output += "("
        open.append(.plain)
    }

    private mutating func endGroup() throws(Failure) {
        guard let group = open.popLast() else { throw failure("a parenthesis is closed that was not opened") }
        position += 1
        output += ")"
        hasAtom = group == .plain
    }

    private mutating func quantifier(_ text: String) throws(Failure) {
        guard hasAtom else { throw failure("there is nothing that \(text) could repeat") }
        output += text
        if take("?") { output += "?" }
        hasAtom = false
    }

    /// `{2}`, `{2,}` or `{2,3}`; nil, and nothing is read, where it is something else.
    private mutating func countedQuantifier() throws(Failure) -> String? {
        let inner = scalars[(position + 1)...].prefix { ("0"..."9").contains($0) || $0 == "," }
        let end = inner.endIndex
        guard end < scalars.count, scalars[end] == "}" else { return nil }
        let parts = inner.split(separator: ",", omittingEmptySubsequences: false)
        let texts = parts.map { String(String.UnicodeScalarView($0)) }
        func isNumber(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard (1...2).contains(texts.count), isNumber(texts[0]),
            texts.count == 1 || texts[1].isEmpty || isNumber(texts[1])
        else { return nil }
        let text = "{\(texts.joined(separator: ","))}"
        let bounds = texts.filter { !$0.isEmpty }.map { Int($0) ?? .max }
        guard bounds.allSatisfy({ $0 <= 65_535 }) else { throw failure("a count is above 65,535: \(text)") }
        guard bounds.count < 2 || bounds[0] <= bounds[1] else {
            throw failure("the counts are in the wrong order: \(text)")
        }
        position = end + 1
        return text
    }

    private mutating func escape() throws(Failure) {
        position += 1
        guard let next = peek else { throw failure("it ends with a backslash") }
        switch next {
        case "b", "B":
            position += 1
            output += "\\\(next)"
            hasAtom = false
        case "1"..."9": try backReference()
        case "k":
            position += 1
            guard take("<"), let group = names[try groupName()] else { throw failure("\\k names no group") }
            atom("\\g{\(group)}")
        default:
            switch try classEscape() {
            case .scalar(let scalar): atom(PatternTranslator.written(scalar))
            case .set(let text): atom("[\(text)]")
            }
        }
    }

    private mutating func backReference() throws(Failure) {
        let digits = scalars[position...].prefix { ("0"..."9").contains($0) }
        position = digits.endIndex
        let text = String(String.UnicodeScalarView(digits))
        guard let number = Int(text), number <= groupCount else { throw failure("there is no group \(text)") }
        atom("\\g{\(number)}")
    }

    private mutating func groupName() throws(Failure) -> String {
        guard let end = scalars[position...].firstIndex(of: ">"), end > position else {
            throw failure("a group's name is not closed")
        }
        let name = scalars[position..<end]
        let isName = name.allSatisfy {
            $0.properties.isAlphabetic || $0 == "_" || $0 == "$" || ("0"..."9").contains($0)
        }
        guard isName, let first = name.first, !("0"..."9").contains(first) else {
            throw failure("a group's name may have letters, digits, _ and $")
        }
        position = end + 1
        return String(String.UnicodeScalarView(name))
    }

    /// Numbers the groups ahead, because a reference may stand before its group.
    private mutating func findGroups() throws(Failure) {
        var isInClass = false
        while let next = peek {
            position += 1
            switch next {
            case "\\": position += 1
            case "[": isInClass = true
            case "]": isInClass = false
            case "(" where !isInClass:
                if take("?<"), !isNext("="), !isNext("!") {
                    groupCount += 1
                    let name = try groupName()
                    guard names.updateValue(groupCount, forKey: name) == nil else {
                        throw failure("two groups are named \(name)")
                    }
                } else if !isNext("?"), !isNext("="), !isNext("!") {
                    groupCount += 1
                }
            default: break
            }
        }
        position = 0
    }
}
