/// What a text may do to a session, judged by the words in it alone: for texts that the parser refuses. A word in a
/// comment or a constant counts as well; nothing that needs the word is missed.
enum SessionWords {
    static func effects(in text: String) -> Decision.Effects {
        var text = text
        return text.withUTF8 { effects(in: $0) }
    }

    static func effects(in text: UnsafeBufferPointer<UInt8>) -> Decision.Effects {
        var effects: Decision.Effects = []
        forEachWord(text) { word in
            let word = String(decoding: word.prefix(longestWord), as: UTF8.self).lowercased()
            if let known = words[word] { effects.formUnion(known) }
            if word.hasPrefix("pg_advisory_lock") || word.hasPrefix("pg_try_advisory_lock") {
                effects.insert(.advisoryLock)
            }
        }
        return effects
    }

    /// Which of these words (in lower case) are in the text.
    static func found(_ wanted: [StaticString], in text: UnsafeBufferPointer<UInt8>) -> Set<Int> {
        var result: Set<Int> = []
        forEachWord(text) { word in
            for (index, name) in wanted.enumerated() where isSame(word, name) { result.insert(index) }
        }
        return result
    }

    private static let longestWord = 32

    private static func isSame(_ word: Slice<UnsafeBufferPointer<UInt8>>, _ name: StaticString) -> Bool {
        guard word.count == name.utf8CodeUnitCount else { return false }
        for (offset, byte) in word.enumerated() where byte | 0x20 != name.utf8Start[offset] | 0x20 { return false }
        return true
    }

    /// Letters, digits and underscores; names with other letters have no meaning here.
    private static func forEachWord(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (Slice<UnsafeBufferPointer<UInt8>>) -> Void
    ) {
        var start = 0
        var position = 0
        while position < text.count {
            let byte = text[position]
            let folded = byte | 0x20
            let isWord = folded >= 0x61 && folded <= 0x7A || byte == 0x5F || byte >= 0x30 && byte <= 0x39
            if !isWord {
                if position - start > 2 { body(text[start..<position]) }
                start = position + 1
            }
            position += 1
        }
        if position - start > 2 { body(text[start..<position]) }
    }

    private static let words: [String: Decision.Effects] = {
        var result: [String: Decision.Effects] = [:]
        func add(_ effects: Decision.Effects, _ names: String) {
            for name in names.split(separator: " ") { result[String(name), default: []].formUnion(effects) }
        }
        add(.settings, "set reset set_config discard")
        add(.temporary, "temp temporary pg_temp")
        add(.listen, "listen")
        add(.heldCursor, "hold")
        add(.cursor, "declare cursor")
        add(.keepsServer, "load")
        add(.catalog, "create alter drop grant revoke reassign comment refresh import security rename")
        add(.prepared, "prepare execute deallocate")
        add(.transaction, "begin commit rollback start savepoint release end abort")
        add(.copyIn, "copy")
        add(.primaryOnly, "notify unlisten")
        return result
    }()
}
