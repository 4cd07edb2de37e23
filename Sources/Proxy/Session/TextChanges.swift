/// Names that were replaced in a client's text before a server got it. Pure.
struct TextChanges {
    private struct Change {
        /// In characters of the client's text.
        var start: Int
        var old: Int
        var new: Int
    }

    private var changes: [Change] = []

    var isEmpty: Bool { changes.isEmpty }

    /// The text with names replaced.
    /// - Parameter names: what comes into which bytes, in any order; places do not overlap.
    mutating func apply(_ names: [(place: Range<Int>, name: [UInt8])], to text: [UInt8]) -> [UInt8] {
        var changed = text
        let valid = names.filter { $0.place.upperBound <= text.count }.sorted {
            $0.place.lowerBound < $1.place.lowerBound
        }
        for (place, name) in valid.reversed() { changed.replaceSubrange(place, with: name) }
        changes = valid.map { place, name in
            Change(
                start: Self.characters(text[..<place.lowerBound]), old: Self.characters(text[place]),
                new: Self.characters(name[...]))
        }
        return changed
    }

    /// - Parameter position: in the text that the server has, as PostgreSQL counts: characters from 1.
    /// - Returns: the same in the client's text.
    func original(_ position: Int) -> Int {
        var shift = 0
        for change in changes {
            let start = change.start + shift
            if position - 1 < start { break }
            if position - 1 < start + change.new { return change.start + 1 }
            shift += change.new - change.old
        }
        return position - shift
    }

    /// Of UTF-8. In other encodings positions behind letters beyond ASCII may be off.
    private static func characters(_ bytes: ArraySlice<UInt8>) -> Int { bytes.count { $0 & 0xC0 != 0x80 } }
}
