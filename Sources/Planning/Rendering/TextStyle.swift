/// How text for people is laid out; given from outside, so that renderers stay pure.
package struct TextStyle: Sendable {
    package var colour: Bool
    /// Columns; at least 40.
    package var width: Int

    package init(colour: Bool = false, width: Int = 80) {
        self.colour = colour
        self.width = max(40, width)
    }

    package func bold(_ text: String) -> String { paint(text, "1") }
    package func dim(_ text: String) -> String { paint(text, "2") }
    package func red(_ text: String) -> String { paint(text, "1;31") }
    package func yellow(_ text: String) -> String { paint(text, "1;33") }
    package func green(_ text: String) -> String { paint(text, "1;32") }

    private func paint(_ text: String, _ code: String) -> String {
        colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// A text behind a mark, which may be coloured.
    /// - Parameter width: of the mark as it is seen.
    package func marked(_ mark: String, width: Int, _ text: String) -> String {
        mark + wrap(text, indentation: 2, first: width).drop { $0 == " " } + "\n"
    }

    /// Breaks at spaces so that no line is longer than the width; longer words stay whole.
    package func wrap(_ text: String, indentation: Int, first: Int? = nil) -> String {
        let margin = String(repeating: " ", count: indentation)
        var lines: [String] = []
        var line = String(repeating: " ", count: first ?? indentation)
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = margin
                isEmpty = true
            }
            line += isEmpty ? String(word) : " \(word)"
            isEmpty = false
        }
        lines.append(line)
        return lines.joined(separator: "\n")
    }
}

/// Columns of text, each as wide as its widest cell; the last one is not padded.
package struct TextTable: Sendable {
    package enum Alignment: Sendable { case left, right }

    private var alignments: [Alignment]
    private var rows: [[String]] = []

    package init(_ alignments: [Alignment]) { self.alignments = alignments }

    package mutating func add(_ cells: [String]) { rows.append(cells) }

    package func render(indentation: Int = 2) -> String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        let margin = String(repeating: " ", count: indentation)
        return rows.map { row in
            var line = margin
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let isRight = column < alignments.count && alignments[column] == .right
                line += isRight ? padding + cell : column == row.count - 1 ? cell : cell + padding
                if column < row.count - 1 { line += "  " }
            }
            return line
        }.joined(separator: "\n")
    }
}

/// `1,234,567`: digits in groups of three.
package func grouped(_ number: some BinaryInteger) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (offset, digit) in digits.enumerated() {
        if offset > 0, (digits.count - offset).isMultiple(of: 3) { text += "," }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
}

/// As `pg_size_pretty` rounds: `812 bytes`, `310 MB`, `12 GB`.
package func sized(_ bytes: Int64) -> String {
    var value = bytes
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 10_240 { return "\(grouped(value)) \(unit)" }
        value = (value + 512) / 1024
    }
    return "\(grouped(value)) TB"
}

/// `1 step`, `2 steps`.
package func counted(_ number: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
}
