/// Finds the OIDs in the text of a `pg_node_tree`: what a view, a rule, a policy, a default or a BEGIN ATOMIC body binds.
///
/// PostgreSQL's own dependencies would not do: they leave out its built-in functions (`nextval` in a view) and do not say
/// who writes.
struct NodeTree {
    private(set) var relations: Set<UInt32> = []
    private(set) var functions: Set<UInt32> = []
    /// A command other than SELECT is in it.
    private(set) var writes = false
    private(set) var locksRows = false

    /// Fields that hold a function's OID.
    private static let functionFields: [[UInt8]] = [
        "funcid", "opfuncid", "aggfnoid", "winfnoid", "iofunc", "eqfunc",
    ].map { Array($0.utf8) }
    private static let relationField = Array("relid".utf8)
    private static let commandField = Array("commandType".utf8)
    private static let rowMarks = Array("ROWMARKCLAUSE".utf8)

    init(_ text: UnsafeBufferPointer<UInt8>) {
        var position = 0
        while position < text.count {
            let byte = text[position]
            position += 1
            switch byte {
            case UInt8(ascii: ":"):
                guard position > 1, text[position - 2] == 0x20 || text[position - 2] == 0x28 else { continue }
                readField(text, &position)
            case UInt8(ascii: "{"):
                if Self.starts(text, position, Self.rowMarks) { locksRows = true }
            case UInt8(ascii: "\""): Self.skipQuoted(text, &position)
            case UInt8(ascii: "\\"): position += 1
            default: break
            }
        }
    }

    /// Several trees, of which some may be absent.
    init(_ texts: [String?]) {
        for text in texts.compactMap({ $0 }) {
            var text = text
            let tree = text.withUTF8 { NodeTree($0) }
            relations.formUnion(tree.relations)
            functions.formUnion(tree.functions)
            writes = writes || tree.writes
            locksRows = locksRows || tree.locksRows
        }
    }

    /// Without the relation itself: rules have place holders for it.
    func touches(of owner: UInt32 = 0) -> Touches {
        let found = relations.filter { $0 != owner && $0 != 0 }.sorted()
        var touches = Touches(reads: found, calls: functions.filter { $0 != 0 }.sorted(), locksRows: locksRows)
        if writes { touches.writes = found }
        return touches
    }

    private mutating func readField(_ text: UnsafeBufferPointer<UInt8>, _ position: inout Int) {
        if Self.starts(text, position, Self.relationField) {
            relations.insert(Self.number(text, position + Self.relationField.count))
        } else if Self.starts(text, position, Self.commandField) {
            if Self.number(text, position + Self.commandField.count) != 1 { writes = true }
        } else {
            for field in Self.functionFields where Self.starts(text, position, field) {
                functions.insert(Self.number(text, position + field.count))
            }
        }
    }

    private static func starts(_ text: UnsafeBufferPointer<UInt8>, _ position: Int, _ word: [UInt8]) -> Bool {
        guard position + word.count < text.count else { return false }
        for offset in 0..<word.count where text[position + offset] != word[offset] { return false }
        return text[position + word.count] == 0x20
    }

    private static func number(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt32 {
        var value: UInt32 = 0
        var position = start + 1
        while position < text.count, case let digit = text[position], digit >= 48, digit <= 57 {
            value = value &* 10 &+ UInt32(digit - 48)
            position += 1
        }
        return value
    }

    /// Names with odd characters are quoted or escaped with a backslash, so that no name looks like a field.
    private static func skipQuoted(_ text: UnsafeBufferPointer<UInt8>, _ position: inout Int) {
        while position < text.count {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: "\\") { position += 1 }
            if byte == UInt8(ascii: "\"") { return }
        }
    }
}
