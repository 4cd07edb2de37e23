extension LayoutReader {
    /// What a name is the name of; decides what is allowed in it.
    enum NameKind: String {
        case schema, table, view, function, type, sequence, column, index, role, database, replica, object, projection

        var described: String {
            switch self {
            case .index, .object: "the name of an \(rawValue)"
            default: "the name of a \(rawValue)"
            }
        }

        /// Role and database names with a dot are common, and nothing is written before them.
        var mayHaveDot: Bool { self == .role || self == .database || self == .replica }
    }

    /// A list of names, each given once.
    mutating func names(_ node: LayoutNode, _ kind: NameKind, _ key: String) -> [Layout.Placed<String>] {
        var seen: [String: SourcePlace] = [:]
        var names: [Layout.Placed<String>] = []
        for item in list(node, "`\(key)`", "a list of names") {
            guard let name = name(item, kind, key) else { continue }
            if let first = seen.updateValue(item.place, forKey: name) {
                duplicateEntry("\(kind.rawValue) \(name)", key, item.place, first: first)
            } else {
                names.append(Layout.Placed(name, item.place))
            }
        }
        return names
    }

    mutating func duplicateEntry(_ what: String, _ key: String, _ place: SourcePlace, first: SourcePlace) {
        let message = "\(what) is in `\(key)` twice; first at line \(first.line), column \(first.column)"
        error("duplicate-entry", message, place, "remove one of the two")
    }

    /// A single name, as PostgreSQL stores it.
    mutating func name(_ node: LayoutNode, _ kind: NameKind, _ key: String) -> String? {
        let expected = kind.described
        guard case .text(let raw, plain: let plain) = node.content else {
            let step = "write \(expected); quotes make `null` or `~` a name"
            wrongType(node, "`\(key)`", expected, step)
            return nil
        }
        guard node.kind == "a text" || !plain else {
            wrongType(node, "`\(key)`", expected, "put it in quotes if it is a name: \"\(raw)\"")
            return nil
        }
        return writtenOut(raw, node.place).flatMap { checked($0, kind, node.place) ? $0 : nil }
    }

    /// Names appear in plans and messages, where nothing from the environment may: so they have no variables.
    private mutating func writtenOut(_ raw: String, _ place: SourcePlace) -> String? {
        for case .variable(let variable, _) in LayoutReader.variablePieces(of: raw) {
            let step = "write the name itself; variables are for connection strings and settings"
            error("variable-in-name", "a name cannot come from the variable \(variable)", place, step)
            return nil
        }
        return replaceVariables(in: raw, plain: false, place: place)?.text
    }

    /// A key that is a name.
    mutating func name(_ field: LayoutField, _ kind: NameKind) -> String? {
        checked(field.key, kind, field.keyPlace) ? field.key : nil
    }

    /// PostgreSQL's limits for a name, and the slips that one makes in a layout file.
    mutating func checked(_ text: String, _ kind: NameKind, _ place: SourcePlace) -> Bool {
        let shown = LayoutReader.shown(text)
        let what = "\(kind.rawValue) name"
        if text.allSatisfy(\.isWhitespace) {
            error("empty-name", "the \(what) is empty", place, "write a name, or remove the entry")
        } else if LayoutReader.looksSecret(text) {
            let step = "a connection string belongs behind `url:`, best as ${NAME}"
            error("bad-name", "where a \(what) belongs stands a connection string", place, step)
        } else if text.utf8.count > 63 {
            let message = "the \(what) \(shown) has \(text.utf8.count) bytes, PostgreSQL keeps 63"
            error("name-too-long", message, place, "write the name as PostgreSQL shows it: it cuts longer ones")
        } else if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            error("bad-name", "the \(what) \(shown) contains a control character", place, "write the name without it")
        } else if text.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
            let step = "drop the inner quotes: \(text.dropFirst().dropLast()); upper and lower case are kept as written"
            error("quoted-name", "the \(what) \(shown) has SQL quotes around it", place, step)
        } else if !kind.mayHaveDot, text.contains(".") {
            error(
                "dotted-name", "the \(what) \(shown) contains a dot, a plain name belongs here", place,
                dotStep(text, kind))
        } else if let reason = reserved(text, kind) {
            error("reserved-name", "the \(what) \(shown) is reserved: \(reason)", place, "choose another name")
        } else {
            return true
        }
        return false
    }

    private func dotStep(_ text: String, _ kind: NameKind) -> String {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let listable: [NameKind] = [.table, .view, .function, .type, .sequence]
        guard parts.count == 2, listable.contains(kind) else {
            return "write the name alone, without what it belongs to"
        }
        return "to take it from another schema write { \(kind.rawValue): \(parts[1]), from: \(parts[0]) }"
    }

    private func reserved(_ text: String, _ kind: NameKind) -> String? {
        switch kind {
        case .schema where text.hasPrefix("pg_"): "PostgreSQL keeps names that begin with pg_ to itself"
        case .schema where text == "information_schema": "it belongs to PostgreSQL"
        case .schema where text == "strata": "Strata keeps its ledger there"
        case .role where text.hasPrefix("pg_"): "PostgreSQL keeps roles that begin with pg_ to itself"
        case .role where text == "public": "it means every role; grant to roles by name"
        case .role where text == "none": "PostgreSQL gives it a meaning of its own"
        default: nil
        }
    }

    /// `column`, `table.column` and so on: the parts between the dots, each a checked name; nil after a complaint.
    mutating func dottedName(
        _ node: LayoutNode, _ key: String, parts counts: ClosedRange<Int>, form: String
    ) -> [String]? {
        guard case .text(let raw, _) = node.content else {
            wrongType(node, "`\(key)`", form, "write \(form)")
            return nil
        }
        guard let text = writtenOut(raw, node.place) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard counts.contains(parts.count) else {
            error(
                "bad-reference", "`\(key)` is \(LayoutReader.shown(text)), expected \(form)", node.place,
                "write \(form)")
            return nil
        }
        let kinds: [NameKind] = counts.upperBound == 3 ? [.schema, .table, .column] : [.schema, .table]
        for (part, kind) in zip(parts, kinds.suffix(parts.count)) {
            guard checked(part, kind, node.place) else { return nil }
        }
        return parts
    }
}
