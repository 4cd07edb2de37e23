extension LayoutReader {
    /// One piece of a text with variables.
    enum VariablePiece: Equatable {
        case literal(String)
        /// `${NAME}` or `${NAME:-default}`.
        case variable(name: String, fallback: String?)
        case malformed
    }

    /// `${NAME}` and `${NAME:-default}` are variables, `$$` is a dollar sign, any other `$` stands for itself.
    static func variablePieces(of text: String) -> [VariablePiece] {
        guard text.contains("$") else { return [.literal(text)] }
        var pieces: [VariablePiece] = []
        var literal = ""
        var rest = text[...]
        func flush() {
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = ""
        }
        while let character = rest.popFirst() {
            guard character == "$", let next = rest.first, next == "$" || next == "{" else {
                literal.append(character)
                continue
            }
            rest.removeFirst()
            if next == "$" {
                literal.append("$")
                continue
            }
            flush()
            guard let end = rest.firstIndex(of: "}") else { return pieces + [.malformed] }
            pieces.append(variable(rest[..<end]))
            rest = rest[rest.index(after: end)...]
        }
        flush()
        return pieces
    }

    private static func variable(_ inner: Substring) -> VariablePiece {
        let name = inner.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let tail = inner.dropFirst(name.count)
        guard let first = name.first, !first.isNumber, tail.isEmpty || tail.hasPrefix(":-") else { return .malformed }
        return .variable(name: String(name), fallback: tail.isEmpty ? nil : String(tail.dropFirst(2)))
    }

    mutating func replaceVariables(in raw: String, plain: Bool, place: SourcePlace) -> LayoutValue? {
        let pieces = LayoutReader.variablePieces(of: raw)
        var value = LayoutValue(text: "", plain: plain)
        var complete = true
        for piece in pieces {
            switch piece {
            case .literal(let text): value.text += text
            case .malformed:
                let step = "write ${NAME} or ${NAME:-default}, with $$ for a dollar sign"
                error("bad-variable", "`${` begins a variable, but no name and `}` follow", place, step)
                return nil
            case .variable(let name, let fallback):
                value.plain = false
                value.variables.append(name)
                if let found = environment[name], !(found.isEmpty && fallback != nil) {
                    value.text += found
                } else if let fallback {
                    value.text += fallback
                } else {
                    complete = false
                    unresolved(name, place)
                }
            }
        }
        return complete ? value : nil
    }

    private mutating func unresolved(_ name: String, _ place: SourcePlace) {
        let message = "the environment variable \(name) is not set"
        error("unresolved-variable", message, place, "export \(name)=..., or give a default: ${\(name):-value}")
    }
}
