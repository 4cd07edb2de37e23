/// Looks over the text before the YAML parser sees it.
///
/// The parser works recursively and compares whole keys, so depth and complex keys are bounded here, where that costs one
/// pass; tabs and quotes left open get a message with their own place, where the parser would name the end of the file.
struct LayoutTextCheck {
    static let maximumBytes = 16 << 20
    static let maximumDepth = 32
    private static let maximumIndentation = 128
    private static let maximumComplaints = 20

    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    private var depth = 0
    private var tooDeep = false
    /// Indentation of the line that began a block text (`|` or `>`); deeper lines belong to it.
    private var blockText: Int?

    init(file: String) { self.file = file }

    static func check(_ text: String, file: String) -> [Diagnostic] {
        guard text.utf8.count <= maximumBytes else {
            return [
                Diagnostic(
                    .error, "file-too-large", "the layout is larger than 16 MiB",
                    place: SourcePlace(file: file, line: 1, column: 1),
                    nextStep: "check that \(file) is the layout file; a layout of 100,000 tables stays below this size")
            ]
        }
        var check = LayoutTextCheck(file: file)
        var number = 0
        for line in LayoutTextCheck.lines(of: text) {
            number += 1
            check.look(at: line, number: number)
            if check.tooDeep || check.diagnostics.count >= maximumComplaints { break }
        }
        return check.diagnostics
    }

    /// Lines as libyaml counts them: CR LF, CR, LF, NEL, LS and PS end one.
    static func lines(of text: String) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = []
        var line: [Unicode.Scalar] = []
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            if scalar == "\n", previous == "\r" { continue }
            switch scalar {
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
                lines.append(line)
                line.removeAll(keepingCapacity: true)
            default: line.append(scalar)
            }
        }
        lines.append(line)
        return lines
    }

    private mutating func look(at line: [Unicode.Scalar], number: Int) {
        let indentation = line.prefix { $0 == " " }.count
        guard let first = line.dropFirst(indentation).first(where: { $0 != "\t" }) else { return }
        if let block = blockText {
            if indentation > block { return }
            blockText = nil
        }
        if depth == 0, line[indentation] == "\t", first != "#" {
            let step = "use spaces: YAML forbids tabs there"
            return complain("tab-indentation", "a tab is used for indentation", number, indentation, step)
        }
        var start = indentation
        while depth == 0, start < line.count, "-?:".unicodeScalars.contains(line[start]), isBlank(line, start + 1) {
            if line[start] == "?" {
                complexKey(number, start)
                return
            }
            start += 1
            while start < line.count, line[start] == " " { start += 1 }
        }
        if depth == 0, start > LayoutTextCheck.maximumIndentation {
            deep(number, start)
            return
        }
        guard let end = scan(line, from: start, number: number) else { return }
        if depth == 0, endsWithBlockHeader(line[start..<max(start, end)]) { blockText = start }
    }

    /// Follows brackets, quotes and aliases; returns where the comment or the line ends, nil after a complaint.
    private mutating func scan(_ line: [Unicode.Scalar], from start: Int, number: Int) -> Int? {
        var index = start
        // Inside a plain text quotes mean nothing, and outside of brackets neither do brackets.
        var tokenStart = true
        var plain = false
        while index < line.count {
            switch line[index] {
            case " ", "\t": break
            case "#" where !plain || isBlank(line, index - 1): return index
            case "\"" where tokenStart, "'" where tokenStart:
                guard let end = endOfQuote(line, from: index) else {
                    let step = "close the quote on the same line, or write a long text as a block (`|`)"
                    complain("open-quote", "a quote is opened and not closed on its line", number, index, step)
                    return nil
                }
                index = end
                (tokenStart, plain) = (false, false)
            case "[" where tokenStart || depth > 0, "{" where tokenStart || depth > 0:
                depth += 1
                if depth > LayoutTextCheck.maximumDepth * 2 { return deep(number, index) }
                (tokenStart, plain) = (true, false)
            case "]" where depth > 0, "}" where depth > 0:
                if colonFollows(line, index + 1) { return complexKey(number, index) }
                depth -= 1
                (tokenStart, plain) = (false, false)
            case "," where depth > 0: (tokenStart, plain) = (true, false)
            case ":" where depth > 0 || isBlank(line, index + 1): (tokenStart, plain) = (true, false)
            case "?" where tokenStart && depth > 0: return complexKey(number, index)
            case "*" where tokenStart:
                let end = line[index...].firstIndex { " ,]}".unicodeScalars.contains($0) } ?? line.count
                if line[index..<end].contains(":") || colonFollows(line, end) { return complexKey(number, index) }
                index = end - 1
                (tokenStart, plain) = (false, false)
            case "&" where tokenStart, "!" where tokenStart:
                while !isBlank(line, index + 1) { index += 1 }
            default: (tokenStart, plain) = (false, true)
            }
            index += 1
        }
        return index
    }

    /// Whether the line ends with `|` or `>` where a value begins, perhaps with indicators (`|2-`) or an anchor before it.
    private func endsWithBlockHeader(_ line: ArraySlice<Unicode.Scalar>) -> Bool {
        let words = line.split(separator: " ").map(Array.init)
        guard let header = words.last, header[0] == "|" || header[0] == ">", header.count <= 3,
            header.dropFirst().allSatisfy({ "+-0123456789".unicodeScalars.contains($0) })
        else { return false }
        let before = words.dropLast().last { $0[0] != "&" && $0[0] != "!" }
        return before.map { $0.last == ":" || $0 == ["-"] } ?? true
    }

    private func isBlank(_ line: [Unicode.Scalar], _ index: Int) -> Bool {
        index >= line.count || line[index] == " " || line[index] == "\t"
    }

    private func endOfQuote(_ line: [Unicode.Scalar], from start: Int) -> Int? {
        let quote = line[start]
        var index = start + 1
        while index < line.count {
            if line[index] == "\\", quote == "\"" {
                index += 1
            } else if line[index] == quote {
                guard quote == "'", index + 1 < line.count, line[index + 1] == "'" else { return index }
                index += 1
            }
            index += 1
        }
        return nil
    }

    private func colonFollows(_ line: [Unicode.Scalar], _ start: Int) -> Bool {
        line.dropFirst(start).first { $0 != " " } == ":"
    }

    @discardableResult
    private mutating func complexKey(_ line: Int, _ index: Int) -> Int? {
        complain(
            "complex-key", "only a plain name may stand before a colon", line, index,
            "write the key as a name; `?` and lists, mappings or aliases as keys are not used in a layout")
        return nil
    }

    @discardableResult
    private mutating func deep(_ line: Int, _ index: Int) -> Int? {
        tooDeep = true
        complain(
            "too-deep", "the layout is nested more than \(LayoutTextCheck.maximumDepth) levels deep", line, index,
            "check the indentation and the brackets; no key of a layout needs more than eight levels")
        return nil
    }

    private mutating func complain(_ code: String, _ message: String, _ line: Int, _ index: Int, _ nextStep: String) {
        let place = SourcePlace(file: file, line: line, column: index + 1)
        diagnostics.append(Diagnostic(.error, code, message, place: place, nextStep: nextStep))
    }
}
