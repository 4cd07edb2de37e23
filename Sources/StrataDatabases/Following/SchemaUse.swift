internal import Synchronization

/// A use of a schema that is under way: the time in which a closure has a connection.
///
/// A use within it, by the same task, goes on on the same database, also while the schema is held: the switch waits for the
/// outer use, and would otherwise wait for ever.
final class SchemaUse: Sendable {
    let schema: String
    let database: String
    let board: RouteBoard
    /// As many changes of its route the schema had seen when the use began.
    let changes: Int
    private let outer: SchemaUse?
    private let over = Mutex(false)

    @TaskLocal static var current: SchemaUse?

    init(_ schema: String, _ database: String, changes: Int, _ board: RouteBoard) {
        self.schema = schema
        self.database = database
        self.changes = changes
        self.board = board
        // One that is over is kept by nobody: a task that outlives its uses must not collect them.
        var outer = Self.current
        while let use = outer, use.isOver { outer = use.outer }
        self.outer = outer
    }

    /// What a task began outside may outlive the use that it began in.
    var isOver: Bool { over.withLock { $0 } }

    /// - Returns: false if it had ended before.
    func end() -> Bool {
        over.withLock { over in
            defer { over = true }
            return !over
        }
    }

    static func current(_ schema: String, _ board: RouteBoard) -> SchemaUse? {
        var use = current
        while let candidate = use {
            if candidate.board === board, candidate.schema == schema, !candidate.isOver { return candidate }
            use = candidate.outer
        }
        return nil
    }
}
