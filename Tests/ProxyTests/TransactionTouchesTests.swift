import Planning
import Testing

@testable import Proxy

/// What the statements of a transaction are together.
@Suite("Proxy: what a transaction crosses")
struct TransactionTouchesTests {
    private static let main: UInt64 = 1
    private static let books: UInt64 = 2

    private func touch(_ name: String, reads: UInt64 = 0, writes: UInt64 = 0, locks: Bool = false) -> StatementTouch {
        StatementTouch(fingerprint: name, shape: name, reads: reads, writes: writes, locks: locks)
    }

    private func verdict(_ touches: StatementTouch...) -> TransactionCrossing? {
        var transaction = TransactionTouches()
        for touch in touches { transaction.add(touch) }
        return transaction.verdict()
    }

    @Test("Only together they cross: reads, a lock, writes")
    func kinds() {
        let (a, b) = (touch("a", reads: Self.main), touch("b", reads: Self.books))
        #expect(verdict(a, a) == nil && verdict() == nil)
        #expect(verdict(a, b)?.kind == .transaction)
        #expect(verdict(a, touch("l", reads: Self.books, locks: true))?.kind == .locking)
        #expect(verdict(a, touch("w", writes: Self.books))?.kind == .transaction)
        #expect(verdict(touch("v", writes: Self.main), touch("w", writes: Self.books))?.kind == .twoSchemaWrite)
    }

    @Test("A statement that crosses by itself does not make a transaction of the others cross")
    func alone() {
        let join = touch("j", reads: 3)
        let (a, b) = (touch("a", reads: Self.main), touch("b", reads: Self.books))
        #expect(verdict(join) == nil && verdict(join, a, a) == nil)
        let both = verdict(a, join, b)
        #expect(both?.kind == .transaction && both?.members.map(\.fingerprint) == ["a", "b"])
        // It reads one side and writes the other, and somebody else writes the first.
        let write = touch("w", reads: Self.main, writes: Self.books)
        #expect(verdict(write, a) == nil)
        #expect(verdict(write, touch("v", writes: Self.main))?.kind == .twoSchemaWrite)
        #expect(verdict(touch("t", writes: 3), a) == nil)
    }

    @Test("Its name is that of its statements in their order, each once, and says which write")
    func fingerprints() {
        let (a, b) = (touch("a", reads: Self.main), touch("b", writes: Self.books))
        let once = verdict(a, b)
        #expect(once?.fingerprint == verdict(a, b, a, b, b)?.fingerprint && once?.fingerprint.count == 16)
        #expect(once?.fingerprint != verdict(b, a)?.fingerprint)
        #expect(once?.members.map(\.mention.description) == ["a", "b writes"])
        #expect(once?.example == "a; b")
    }

    @Test("A long one is remembered in part, and judged exactly")
    func bounded() {
        var transaction = TransactionTouches()
        for number in 0..<10_000 { transaction.add(touch("r\(number)", reads: Self.main)) }
        #expect(transaction.verdict() == nil)
        transaction.add(touch("w", writes: Self.books))
        let crossing = transaction.verdict()
        #expect(crossing?.kind == .transaction && (crossing?.members.count ?? 0) <= 32)
        #expect(crossing?.members.last?.fingerprint == "w")
    }

    @Test("Answers part transactions of a pipeline; what is sent again counts once")
    func pipeline() {
        let watch = TransactionWatch()
        let (a, b) = (touch("a", reads: Self.main), touch("b", reads: Self.books))
        var found: [Crossing.Kind] = []
        func settle(_ answered: UInt32, isOver: Bool) {
            watch.settle(answered: answered, isOver: isOver) {
                found.append($0.kind ?? .join)
            } transaction: {
                found.append($0.kind)
            }
        }
        // Two transactions of their own, sent before the first was answered.
        #expect(watch.send([.touch(a)], sync: .max) && watch.send([.touch(b)], sync: 0))
        settle(0, isOver: true)
        settle(1, isOver: true)
        #expect(found.isEmpty && watch.isIdle)
        // One transaction over two units.
        #expect(watch.send([.touch(a)], sync: 1) && watch.send([.touch(b)], sync: 2))
        settle(2, isOver: false)
        settle(3, isOver: true)
        #expect(found == [.transaction])
        // A COMMIT between them, in one text.
        #expect(watch.send([.touch(a), .ends, .touch(b)], sync: 3))
        settle(4, isOver: true)
        #expect(found == [.transaction])
        // Taken back, and sent to another server.
        #expect(watch.send([.touch(touch("j", reads: 3))], sync: 4))
        watch.takeBack(from: 4)
        #expect(watch.isIdle)
        #expect(watch.send([.touch(touch("j", reads: 3))], sync: 4))
        settle(5, isOver: true)
        #expect(found == [.transaction, .join] && watch.isIdle)
    }

    @Test("Counts are bounded: the rarest leave, the oldest of them first, and are counted")
    func table() {
        var table = CrossingTable(limit: 20)
        func note(_ name: String, at now: Int) {
            table.note(.init(name, .join), by: "app", at: now) {
                Crossing(name, .join, example: name, schemas: ["a", "b"])
            }
        }
        for _ in 0..<3 { note("often", at: 1) }
        for number in 0..<500 { note("rare \(number)", at: 10 + number) }
        #expect(table.entries.count <= 20 && table.entries[.init("often", .join)]?.count == 3)
        #expect(table.entries.count + table.dropped == 501)
        #expect(table.entries[.init("rare 499", .join)] != nil && table.entries[.init("rare 0", .join)] == nil)
        var other = CrossingTable(limit: 20)
        other.add(table)
        other.add(table)
        #expect(other.entries[.init("often", .join)]?.count == 6 && other.sorted.first?.fingerprint == "often")
    }

    @Test("A batch keeps its number and its counts until it is known to be written; nothing gets lost between two")
    func batches() {
        func table(_ name: String) -> CrossingTable {
            var table = CrossingTable()
            table.add(Crossing(name, .join, example: name, schemas: ["a", "b"]))
            return table
        }
        let counts = CrossingCounts()
        #expect(!counts.isObserving)
        counts.observe(["billing"])
        counts.add(table("one"))
        let first = counts.begin()
        #expect(first.number == 1 && first.crossings.map(\.fingerprint) == ["one"] && first.schemas == ["billing"])
        counts.add(table("two"))
        // It failed, and is tried again.
        #expect(counts.begin().number == 1 && counts.begin().crossings.map(\.fingerprint) == ["one"])
        counts.end(first)
        counts.end(first)
        let second = counts.begin()
        #expect(second.number == 2 && second.crossings.map(\.fingerprint) == ["two"])
        counts.end(second, isLost: true)
        #expect(counts.begin().dropped == 1 && counts.totals.entries.count == 2)
        counts.observe([])
        counts.end(counts.begin())
        #expect(!counts.isObserving)
    }
}
