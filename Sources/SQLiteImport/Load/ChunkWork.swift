import Synchronization

/// The chunks that wait, and what has come of the others; shared by the workers.
final class ChunkWork: Sendable {
    private struct State {
        var waiting: [Chunk]
        /// Chunks by table that wait or are at work.
        var open: [String: Int] = [:]
        var rejected: Int
    }

    private let state: Mutex<State>
    private let mostRejects: Int?

    /// - Parameter rejected: rows, by earlier calls of the same import.
    init(_ chunks: [Chunk], rejected: Int, mostRejects: Int?) {
        var open: [String: Int] = [:]
        for chunk in chunks { open[chunk.table, default: 0] += 1 }
        state = Mutex(State(waiting: chunks.reversed(), open: open, rejected: rejected))
        self.mostRejects = mostRejects
    }

    func next() -> Chunk? { state.withLock { $0.waiting.popLast() } }

    /// Returns whether that was the table's last chunk.
    func finish(_ chunk: Chunk, _ result: ChunkResult) -> Bool {
        state.withLock { state in
            state.rejected += result.rejected
            if let rest = chunk.rest(result) {
                state.waiting.append(rest)
                return false
            }
            state.open[chunk.table, default: 1] -= 1
            return state.open[chunk.table] == 0
        }
    }

    /// Rows rejected so far where they are too many.
    var excess: Int? {
        state.withLock { state in mostRejects.flatMap { state.rejected > $0 ? state.rejected : nil } }
    }
}
