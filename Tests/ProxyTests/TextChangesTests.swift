import Foundation
import Testing

@testable import Proxy

/// Names in a text are replaced, and places in it found again.
@Suite("Changed texts")
struct TextChangesTests {
    @Test("Each place of the changed text is one of the client's text")
    func places() {
        let text = "PREPARE ü AS 1; EXECUTE a (x); EXECUTE longer_name (y)"
        func place(_ word: String) -> Range<Int> {
            let range = text.range(of: word) ?? text.startIndex..<text.startIndex
            let start = text.utf8.distance(from: text.startIndex, to: range.lowerBound)
            return start..<(start + word.utf8.count)
        }
        var changes = TextChanges()
        #expect(changes.isEmpty && changes.original(7) == 7)
        let names = [
            (place("longer_name"), Array("n1".utf8)),
            (place("a (x)").lowerBound..<(place("a (x)").lowerBound + 1), Array("strata_7".utf8)),
        ]
        let changed = String(decoding: changes.apply(names, to: Array(text.utf8)), as: UTF8.self)
        #expect(changed == "PREPARE ü AS 1; EXECUTE strata_7 (x); EXECUTE n1 (y)")
        // Characters from 1.
        func position(_ word: String, in text: String) -> Int {
            text.range(of: word).map { text.distance(from: text.startIndex, to: $0.lowerBound) + 1 } ?? 0
        }
        for word in ["PREPARE", "ü", "1;", "x)", "y)"] {
            #expect(changes.original(position(word, in: changed)) == position(word, in: text), "\(word)")
        }
        #expect(changes.original(position("strata_7", in: changed) + 3) == position("a (x)", in: text))
        #expect(changes.original(position("n1", in: changed) + 1) == position("longer_name", in: text))
    }

    @Test("A place beyond the text changes nothing")
    func beyond() {
        var changes = TextChanges()
        #expect(changes.apply([(2..<9, [65])], to: [49, 50]) == [49, 50] && changes.isEmpty)
    }
}
