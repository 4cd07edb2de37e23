/// A parse tree as one flat list in document order.
///
/// Flat, because a statement may nest a hundred thousand levels deep: reading, walking and freeing need no recursion.
package final class SyntaxTree: Sendable {
    enum Kind: UInt8 {
        case object, array, string, scalar
    }

    /// Offsets point into `json`; `next` is the entry after the last one inside this.
    struct Entry {
        var kind: Kind
        var keyStart: Int32
        var keyLength: Int32
        var valueStart: Int32
        var valueEnd: Int32
        var next: Int32
        var parent: Int32
    }

    let json: [UInt8]
    let entries: [Entry]

    init(json: [UInt8], entries: [Entry]) {
        self.json = json
        self.entries = entries
    }

    func key(_ index: Int, is name: StaticString) -> Bool {
        let entry = entries[index]
        guard Int(entry.keyLength) == name.utf8CodeUnitCount else { return false }
        let start = Int(entry.keyStart)
        let other = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return json.withUnsafeBufferPointer { bytes in
            for position in 0..<other.count where bytes[start + position] != other[position] { return false }
            return true
        }
    }

    /// Whether the entry is a node with a type name, such as `RangeVar`, and not a field of one.
    func isTyped(_ index: Int) -> Bool {
        let entry = entries[index]
        return entry.keyLength > 0 && (0x41...0x5A).contains(json[Int(entry.keyStart)])
    }
}

/// A place in a `SyntaxTree`: a node, a list or a value. Fields that are absent have PostgreSQL's zero value.
package struct SyntaxNode: Sendable {
    package let tree: SyntaxTree
    let index: Int

    private var entry: SyntaxTree.Entry { tree.entries[index] }

    /// Where this and all that is inside it stand in the flat list.
    var range: Range<Int> { index..<Int(entry.next) }

    /// The field's or node type's name, empty for an element of a list.
    package var key: String {
        let start = Int(entry.keyStart)
        return String(decoding: tree.json[start..<(start + Int(entry.keyLength))], as: UTF8.self)
    }

    package var parent: SyntaxNode? {
        entry.parent < 0 ? nil : SyntaxNode(tree: tree, index: Int(entry.parent))
    }

    /// The fields of a node, or the elements of a list.
    package var children: [SyntaxNode] {
        var result: [SyntaxNode] = []
        var position = index + 1
        guard entry.kind == .object || entry.kind == .array else { return result }
        while position < Int(entry.next) {
            result.append(SyntaxNode(tree: tree, index: position))
            position = Int(tree.entries[position].next)
        }
        return result
    }

    /// The field with this name. For a wrapper such as `{"RangeVar": …}` that is the node inside.
    package subscript(_ name: StaticString) -> SyntaxNode? {
        guard entry.kind == .object else { return nil }
        var position = index + 1
        while position < Int(entry.next) {
            if tree.key(position, is: name) { return SyntaxNode(tree: tree, index: position) }
            position = Int(tree.entries[position].next)
        }
        return nil
    }

    /// The node inside a wrapper `{"Type": {…}}`, or nil when this is none.
    package var inner: SyntaxNode? {
        guard entry.kind == .object, index + 1 < Int(entry.next), tree.isTyped(index + 1) else { return nil }
        return SyntaxNode(tree: tree, index: index + 1)
    }

    package func isKey(_ name: StaticString) -> Bool { tree.key(index, is: name) }

    package var string: String? {
        guard entry.kind == .string else { return nil }
        return JSONText.unescape(tree.json[Int(entry.valueStart)..<Int(entry.valueEnd)])
    }

    package var int: Int? {
        guard entry.kind == .scalar else { return nil }
        return Int(String(decoding: tree.json[Int(entry.valueStart)..<Int(entry.valueEnd)], as: UTF8.self))
    }

    package var bool: Bool {
        entry.kind == .scalar && tree.json[Int(entry.valueStart)] == 0x74
    }

    /// The byte offset in the parsed text, 0 where the field is absent.
    package var location: Int { self["location"]?.int ?? 0 }

    /// The strings of a list of `String` nodes, such as the parts of a name.
    package var strings: [String] {
        children.compactMap { $0["String"]?["sval"]?.string ?? ($0["String"] == nil ? nil : "") }
    }
}
