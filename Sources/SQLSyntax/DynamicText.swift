/// A text expression taken apart into what is constant and what is not.
struct DynamicText {
    enum Piece {
        /// A part of a constant, from the `skipped`th byte of its value; `offset` is where the constant stands in the
        /// parsed expression, -1 for nowhere.
        case constant(String, offset: Int, skipped: Int = 0)
        /// A quoted name that is not known, as from `quote_ident(x)` or `%I`.
        case name
        /// A quoted value that is not known, as from `quote_literal(x)` or `%L`.
        case value
        /// Any text.
        case anything
    }

    private(set) var pieces: [Piece] = []
    /// Nothing a person writes nests deeper; what does is taken as unknown.
    private static let maximumDepth = 64

    init(_ expression: SyntaxNode) {
        add(expression, depth: 0)
    }

    /// The text up to the first piece that is not constant.
    var knownPrefix: String {
        var text = ""
        for piece in pieces {
            guard case .constant(let part, _, _) = piece else { break }
            text += part
        }
        return text
    }

    var hasUnknownText: Bool {
        pieces.contains { if case .anything = $0 { true } else { false } }
    }

    private mutating func add(_ expression: SyntaxNode, depth: Int) {
        guard depth < Self.maximumDepth else { return pieces.append(.anything) }
        if let constant = expression["A_Const"] {
            addConstant(constant)
        } else if let cast = expression["TypeCast"], let argument = cast["arg"] {
            let type = cast["typeName"]?["names"]?.strings.last ?? ""
            if ["text", "varchar", "bpchar", "name"].contains(type) {
                add(argument, depth: depth + 1)
            } else {
                pieces.append(["regclass", "regtype", "regproc", "regprocedure"].contains(type) ? .name : .anything)
            }
        } else if let operation = expression["A_Expr"], operation["name"]?.strings == ["||"] {
            addConcatenation(expression, depth: depth)
        } else if let call = expression["FuncCall"] {
            addCall(call, depth: depth)
        } else {
            pieces.append(.anything)
        }
    }

    private mutating func addConstant(_ constant: SyntaxNode) {
        if let text = constant["sval"] {
            pieces.append(.constant(text["sval"]?.string ?? "", offset: constant.location))
        } else if let number = constant["ival"] {
            pieces.append(.constant(String(number["ival"]?.int ?? 0), offset: -1))
        } else if let number = constant["fval"]?["fval"]?.string {
            pieces.append(.constant(number, offset: -1))
        } else {
            pieces.append(.anything)
        }
    }

    /// `a || b || c` nests to the left, once per operator: a loop, for long ones.
    private mutating func addConcatenation(_ expression: SyntaxNode, depth: Int) {
        var parts: [SyntaxNode] = []
        var current = expression
        while let operation = current["A_Expr"], operation["name"]?.strings == ["||"],
            let left = operation["lexpr"], let right = operation["rexpr"]
        {
            parts.append(right)
            current = left
        }
        add(current, depth: depth + 1)
        for part in parts.reversed() { add(part, depth: depth + 1) }
    }

    private mutating func addCall(_ call: SyntaxNode, depth: Int) {
        let arguments = call["args"]?.children ?? []
        switch (call["funcname"]?.strings.last ?? "", arguments.count) {
        case ("quote_ident", 1): addName(arguments[0])
        case ("quote_literal", 1), ("quote_nullable", 1): addValue(arguments[0])
        case ("concat", 1...): for argument in arguments { add(argument, depth: depth + 1) }
        case ("format", 1...):
            guard let template = arguments[0].stringConstant else { return pieces.append(.anything) }
            addFormat(template, arguments, depth: depth)
        default: pieces.append(.anything)
        }
    }

    private mutating func addName(_ argument: SyntaxNode) {
        guard let text = argument.stringConstant else { return pieces.append(.name) }
        pieces.append(.constant(SQL.identifier(text.value), offset: -1))
    }

    private mutating func addValue(_ argument: SyntaxNode) {
        guard let text = argument.stringConstant else { return pieces.append(.value) }
        pieces.append(.constant(SQL.literal(text.value), offset: -1))
    }

    /// `format`: `%s`, `%I`, `%L`, `%%`, with `n$`, `-` and width, as in the manual.
    private mutating func addFormat(_ template: (value: String, offset: Int), _ arguments: [SyntaxNode], depth: Int) {
        var next = 1
        var rest = template.value[...]
        func constant(_ text: Substring) -> Piece {
            let skipped = template.value.utf8.distance(from: template.value.startIndex, to: text.startIndex)
            return .constant(String(text), offset: template.offset, skipped: skipped)
        }
        while let mark = rest.firstIndex(of: "%") {
            pieces.append(constant(rest[..<mark]))
            rest = rest[rest.index(after: mark)...]
            let specification = FormatSpecification(&rest)
            if specification.type == "%" {
                pieces.append(.constant("%", offset: -1))
                continue
            }
            if specification.takesWidth { next += 1 }
            let position = specification.position ?? next
            next = position + 1
            guard position >= 1, position < arguments.count else {
                pieces.append(.anything)
                continue
            }
            switch specification.type {
            case "I": addName(arguments[position])
            case "L": addValue(arguments[position])
            default: add(arguments[position], depth: depth + 1)
            }
        }
        pieces.append(constant(rest))
    }
}

/// What stands after `%` in a format string.
private struct FormatSpecification {
    var position: Int?
    var takesWidth = false
    var type: Character?

    init(_ text: inout Substring) {
        func number() -> Int? {
            let digits = text.prefix { $0.isASCII && $0.isNumber }
            text = text.dropFirst(digits.count)
            return Int(digits)
        }
        let first = number()
        if first != nil, text.first == "$" {
            position = first
            text = text.dropFirst()
        }
        while text.first == "-" { text = text.dropFirst() }
        if text.first == "*" {
            takesWidth = true
            text = text.dropFirst()
        }
        _ = number()
        type = text.popFirst()
    }
}

extension SyntaxNode {
    /// The string constant that this is, also inside one cast, and where it stands.
    var stringConstant: (value: String, offset: Int)? {
        guard let node = self["TypeCast"]?["arg"]?["A_Const"] ?? self["A_Const"], let text = node["sval"] else {
            return nil
        }
        return (text["sval"]?.string ?? "", node.location)
    }
}
