import Yams

/// Turns YAML text into a `LayoutNode`: syntax errors, several documents and keys given twice become diagnostics, aliases
/// and merge keys (`<<`) are resolved within a bound.
struct LayoutTreeReader {
    /// More than a layout of 100,000 tables holds; aliases that multiply are stopped here.
    private static let maximumNodes = 500_000

    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    private var nodes = 0
    private var gaveUp = false
    private var renamed: [DuplicateKeys.Place: String] = [:]

    init(file: String) { self.file = file }

    mutating func read(_ text: String) -> LayoutNode? {
        diagnostics = LayoutTextCheck.check(text, file: file)
        guard diagnostics.isEmpty else { return nil }
        do {
            let (root, duplicates) = try DuplicateKeys.compose(text)
            renamed = duplicates
            guard let root else { return LayoutNode(content: .nothing, place: place(1, 1)) }
            let node = convert(root, depth: 1)
            return gaveUp ? nil : node
        } catch let error as YamlError {
            diagnostics.append(YamlComplaint.diagnostic(for: error, file: file))
        } catch {
            diagnostics.append(Diagnostic(.error, "bad-yaml", "the file is not valid YAML", place: place(1, 1)))
        }
        return nil
    }

    private func place(_ line: Int, _ column: Int) -> SourcePlace {
        SourcePlace(file: file, line: line, column: column)
    }

    private func place(of node: Node) -> SourcePlace {
        node.mark.map { place($0.line, $0.column) } ?? place(1, 1)
    }

    private mutating func convert(_ node: Node, depth: Int) -> LayoutNode {
        let place = place(of: node)
        var result = LayoutNode(content: .nothing, place: place)
        nodes += 1
        guard !gaveUp, nodes <= LayoutTreeReader.maximumNodes else {
            giveUp("too-many-values", "the aliases of this file expand to too many values", place)
            return result
        }
        guard depth <= LayoutTextCheck.maximumDepth else {
            let limit = LayoutTextCheck.maximumDepth
            giveUp("too-deep", "the layout is nested more than \(limit) levels deep", place)
            return result
        }
        switch node {
        case .scalar(let scalar): result.content = convert(scalar, place)
        case .sequence(let items):
            checkTag(items.tag, [.seq], place)
            result.content = .list(items.map { convert($0, depth: depth + 1) })
        case .mapping(let mapping):
            checkTag(mapping.tag, [.map], place)
            result.content = .map(fields(mapping, depth: depth))
        case .alias: break  // Only made by encoders; the parser puts the value in its place.
        }
        return result
    }

    private mutating func convert(_ scalar: Node.Scalar, _ place: SourcePlace) -> LayoutNode.Content {
        let plain = scalar.style == .plain || scalar.style == .any
        checkTag(scalar.tag, [.str], place)
        if plain, ["", "~", "null", "Null", "NULL"].contains(scalar.string) { return .nothing }
        return .text(scalar.string, plain: plain)
    }

    /// Without a tag in the file it is empty, or the default once the parser has compared a key.
    private mutating func checkTag(_ tag: Tag, _ allowed: [Tag.Name], _ place: SourcePlace) {
        guard !tag.rawValue.isEmpty, !allowed.map(\.rawValue).contains(tag.rawValue) else { return }
        let step = "leave the tag out; quotes make a value a text"
        diagnostics.append(Diagnostic(.error, "yaml-tag", "a YAML tag is used", place: place, nextStep: step))
    }

    private mutating func fields(_ mapping: Node.Mapping, depth: Int) -> [LayoutField] {
        var fields: [LayoutField] = []
        var inherited: [LayoutField] = []
        var seen: [String: SourcePlace] = [:]
        for (keyNode, valueNode) in mapping {
            let keyPlace = place(of: keyNode)
            guard case .scalar(let scalar) = keyNode else {
                giveUp("complex-key", "only a plain name may stand before a colon", keyPlace)
                continue
            }
            let key = renamed[DuplicateKeys.Place(keyPlace)] ?? scalar.string
            let value = convert(valueNode, depth: depth + 1)
            if key == "<<", scalar.style == .plain {
                inherited += merged(value)
            } else if let first = seen[key] {
                duplicate(key, keyPlace, first)
            } else {
                seen[key] = keyPlace
                fields.append(LayoutField(key: key, keyPlace: keyPlace, value: value))
            }
        }
        for field in inherited where seen.updateValue(field.keyPlace, forKey: field.key) == nil { fields.append(field) }
        return fields
    }

    /// Keys taken over by `<<`: of one mapping, or of a list in which earlier mappings win.
    private mutating func merged(_ value: LayoutNode) -> [LayoutField] {
        switch value.content {
        case .map(let fields): return fields
        case .list(let items): return items.flatMap { merged($0) }
        default:
            let step = "write `<<: *name` with the anchor of a mapping"
            let message = "`<<` takes over the keys of a mapping, found \(value.kind)"
            diagnostics.append(Diagnostic(.error, "wrong-type", message, place: value.place, nextStep: step))
            return []
        }
    }

    private mutating func duplicate(_ key: String, _ place: SourcePlace, _ first: SourcePlace) {
        let message =
            "the key \(LayoutReader.shown(key)) is given twice; first at line \(first.line), column \(first.column)"
        let step = "join the two, or remove one: YAML would keep only one of them"
        diagnostics.append(Diagnostic(.error, "duplicate-key", message, place: place, nextStep: step))
    }

    private mutating func giveUp(_ code: String, _ message: String, _ place: SourcePlace) {
        if !gaveUp {
            let step = "write the values out plainly; a layout needs neither deep nesting nor aliases of aliases"
            diagnostics.append(Diagnostic(.error, code, message, place: place, nextStep: step))
        }
        gaveUp = true
    }
}
