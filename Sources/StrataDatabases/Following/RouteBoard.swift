internal import Synchronization

/// Where each schema lives as far as this process knows, which of them a switch holds, and how many uses are under way.
///
/// The one place where a use begins, so that none begins between the moment when a hold is seen and the moment when the
/// uses are counted.
final class RouteBoard: Sendable {
    /// A home of a schema; `changes` tells one stay there from the next.
    struct Home: Sendable, Equatable {
        var database: String
        var changes: Int
    }

    /// What `strata.followers` shows of this process.
    struct FollowerState: Sendable, Equatable {
        var epoch: Int
        var hold: Int?
        /// Uses of schemas that this hold holds.
        var busy: Int
    }

    struct Move: Sendable, Equatable {
        var schema: String
        var from: String
        var to: String
    }

    private struct Hold {
        var number: Int
        /// By then new uses go on, whatever has been heard or not.
        var until: ContinuousClock.Instant
    }

    private struct Entry {
        var home: Home
        var uses = 0
        /// Uses that wait for the end of a hold.
        var waiting = 0
        var hold: Hold?
    }

    private struct State {
        var entries: [String: Entry]
        var epoch = 0
        /// Holds of schemas that this layout does not have; they wait for nobody here.
        var otherHold: Int?
        var asked = 0
        var answered = 0
        var isConnected = true
        var isClosed = false
    }

    /// Rings when a hold or a home changes, or a question was answered: for those who want to begin.
    private let changed = Bell()
    /// Rings when a use of a held schema has ended, or something was asked: for the follower.
    let work = Bell()
    private let state: Mutex<State>
    private let main: String
    private let placements: [String: String]
    private let grace: Duration
    /// Whether anybody brings changes; without a second database there are none.
    private let isFollowed: Bool

    /// - Parameters:
    ///   - placements: the layout's database of each of its schemas.
    ///   - grace: how much longer than a switch allows itself new uses wait for word of its end.
    init(placements: [String: String], main: String, grace: Duration, isFollowed: Bool) {
        self.isFollowed = isFollowed
        self.placements = placements
        self.main = main
        self.grace = grace
        state = Mutex(State(entries: placements.mapValues { Entry(home: Home(database: $0, changes: 0)) }))
    }

    // MARK: Uses

    /// Where the schema is, as last known, held or not.
    func lastHome(of schema: String) -> String? { state.withLock { $0.entries[schema]?.home.database } }

    func usesUnderWay(of schema: String) -> Int { state.withLock { $0.entries[schema]?.uses ?? 0 } }

    func usesWaiting(of schema: String) -> Int { state.withLock { $0.entries[schema]?.waiting ?? 0 } }

    /// Where the schema is, once no switch holds it. Throws `CancellationError`, or `.closed`.
    func home(of schema: String) async throws -> Home? {
        while true {
            let rings = changed.rings
            let (home, until) = try state.withLock { state in
                if state.isClosed { throw DatabaseError(.closed, "the database factory was closed") }
                return (state.entries[schema]?.home, state.entries[schema]?.hold?.until)
            }
            guard let until, until > .now else { return home }
            state.withLock { $0.entries[schema]?.waiting += 1 }
            defer { state.withLock { $0.entries[schema]?.waiting -= 1 } }
            try await changed.wait(after: rings, until: until)
        }
    }

    /// - Returns: nil where the schema has been held or moved since `home` was asked; ask again.
    func begin(_ schema: String, at home: Home) -> SchemaUse? {
        let now: Home? = state.withLock { state in
            guard let entry = state.entries[schema], entry.home.database == home.database, !state.isClosed,
                entry.hold.map({ $0.until <= .now }) ?? true
            else { return nil }
            state.entries[schema]?.uses += 1
            return entry.home
        }
        return now.map { SchemaUse(schema, $0.database, changes: $0.changes, self) }
    }

    /// Within another use of the same schema.
    func begin(within outer: SchemaUse) -> SchemaUse {
        state.withLock { $0.entries[outer.schema]?.uses += 1 }
        return SchemaUse(outer.schema, outer.database, changes: outer.changes, self)
    }

    func end(_ use: SchemaUse) {
        guard use.end() else { return }
        let isHeld = state.withLock { state in
            state.entries[use.schema]?.uses -= 1
            return state.entries[use.schema]?.hold != nil
        }
        if isHeld { work.ring() }
    }

    // MARK: Changes

    /// - Parameter question: what `lastQuestion` was before the snapshot was read.
    /// - Returns: the schemas that are elsewhere than before.
    func apply(_ snapshot: RouteSnapshot, answering question: Int) -> [Move] {
        let now = ContinuousClock.now
        let moves = state.withLock { state in
            var moves: [Move] = []
            for (schema, placement) in placements {
                guard var entry = state.entries[schema] else { continue }
                let home = snapshot.home(of: schema, placement: placement, main: main)
                let hold = snapshot.routes[schema]?.hold
                if home != entry.home.database {
                    moves.append(Move(schema: schema, from: entry.home.database, to: home))
                }
                if home != entry.home.database || hold?.number != entry.hold?.number { entry.home.changes += 1 }
                entry.home.database = home
                entry.hold = hold.map { Hold(number: $0.number, until: now + $0.left + grace) }
                state.entries[schema] = entry
            }
            let others = snapshot.routes.filter { placements[$0.key] == nil }
            state.otherHold = others.values.compactMap { $0.hold?.number }.max()
            state.epoch = snapshot.epoch
            state.answered = max(state.answered, question)
            state.isConnected = true
            return moves
        }
        changed.ring()
        return moves
    }

    /// The connection that brought changes is gone: what is known stays in use, and nobody waits for an answer.
    func lost() {
        state.withLock { $0.isConnected = false }
        changed.ring()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        changed.ring()
    }

    var lastQuestion: Int { state.withLock { $0.asked } }

    /// Waits until a snapshot that was read after this call has been applied; returns without one when the main database
    /// is not reachable, or after `patience`.
    func askAgain(patience: Duration) async throws {
        guard isFollowed else { return }
        let question = state.withLock { state in
            state.asked += 1
            return state.asked
        }
        work.ring()
        let deadline = ContinuousClock.now + patience
        while deadline > .now {
            let rings = changed.rings
            let isOver = state.withLock { $0.answered >= question || !$0.isConnected || $0.isClosed }
            if isOver { return }
            try await changed.wait(after: rings, until: deadline)
        }
    }

    /// Whether the schema has been held or moved since the use began.
    func hasChanged(_ schema: String, since changes: Int) -> Bool {
        state.withLock { $0.entries[schema].map { $0.home.changes != changes } ?? false }
    }

    // MARK: What a switch sees

    /// Of several holds the newest is shown: a switch numbers its own higher than those before it.
    var followerState: FollowerState {
        state.withLock { state in
            let held = state.entries.values.filter { $0.hold != nil }
            let newest = (held.compactMap { $0.hold?.number } + [state.otherHold].compactMap(\.self)).max()
            let busy = held.filter { $0.hold?.number == newest }.map(\.uses).reduce(0, +)
            return FollowerState(epoch: state.epoch, hold: newest, busy: busy)
        }
    }

    var isConnected: Bool { state.withLock { $0.isConnected } }
}
