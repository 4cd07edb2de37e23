/// The entries that a worker has taken, and what became of each. No I/O.
struct LooseKeyBatch {
    typealias Entry = LooseKeyStore.Entry

    private(set) var open: [Entry]
    /// Positions of entries that are done, or that were not needed any more.
    private(set) var finished: [Int] = []
    private(set) var failed: [(entry: Entry, message: String)] = []
    private(set) var rows = 0
    private(set) var returned = 0
    /// Transactions on children that may still be begun.
    private(set) var chunksLeft: Int

    init(_ entries: [Entry], limit: Int) { (open, chunksLeft) = (entries, limit) }

    /// The next ones that can be done together: deletions in a row, or one change.
    var next: [Entry] {
        guard let first = open.first else { return [] }
        return first.action == .update ? [first] : Array(open.prefix { $0.action == .delete })
    }

    mutating func changed(_ count: Int) {
        rows += count
        chunksLeft -= 1
    }

    mutating func finish(_ entries: [Entry]) {
        finished += entries.map(\.position)
        leave(entries)
    }

    /// Their parent rows came back.
    mutating func release(_ entries: [Entry]) {
        returned += entries.count
        finish(entries)
    }

    mutating func fail(_ entry: Entry, _ message: String) {
        failed.append((entry, message))
        leave([entry])
    }

    /// What comes behind waits with the one that failed.
    mutating func stop() { open = [] }

    private mutating func leave(_ entries: [Entry]) {
        let positions = Set(entries.map(\.position))
        open.removeAll { positions.contains($0.position) }
    }
}
