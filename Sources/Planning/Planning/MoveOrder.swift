internal import OrderedCollections

/// The order of moves, and which of them share a transaction.
///
/// What leaves a name goes before what takes it, in one transaction, so that at no moment the name is missing. Where two
/// change places, one steps aside into a schema that exists within that transaction only.
struct MoveOrder {
    /// One move, or half of one.
    struct Turn {
        enum Kind { case whole, aside, back }

        var move: Move
        var kind: Kind
        /// The first one to step aside makes the schema, the last one to come back drops it.
        var handlesSchema = false
    }

    let context: PlanningContext
    private let standing: [Move]
    /// By position in `standing`: whose names it takes.
    private var prerequisites: [Int: OrderedSet<Int>] = [:]
    private var chains: [Int: Int] = [:]

    init(context: PlanningContext) {
        self.context = context
        standing = Self.ranked(context.moves.filter { !Self.travelsWithItsTable($0, context) })
        connect()
    }

    /// Transactions in order.
    func groups() -> [[Turn]] {
        var members: OrderedDictionary<Int, [Int]> = [:]
        for position in standing.indices { members[root(position), default: []].append(position) }
        return members.values.map { chain in
            chain.count == 1 ? [Turn(move: standing[chain[0]], kind: .whole)] : turns(chain)
        }
    }

    // MARK: Ranks

    /// Functions first: their statements spell argument types, which are still under their old names then, and are
    /// again when the steps are undone in reverse. Then types, sequences, tables with what follows them, and views.
    private static func ranked(_ moves: [Move]) -> [Move] {
        let rank: (Move) -> Int = { move in
            switch move.object {
            case .function: 0
            case .type, .relation(.compositeType): 1
            case .relation(.sequence): 2
            case .relation(let kind) where kind.isTable: 3
            case .relation: 4
            case .statistics: 5
            }
        }
        return moves.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
            .map(\.element)
    }

    /// Statistics objects of a table that moves now go in its transaction.
    static func travelsWithItsTable(_ move: Move, _ context: PlanningContext) -> Bool {
        guard case .statistics = move.object, case .follows(let table) = move.cause else { return false }
        return context.moveByOID[ObjectReference(.relation, table)] != nil
    }

    // MARK: Chains

    private mutating func connect() {
        var left: [MoveNames.Name: Int] = [:]
        for (position, move) in standing.enumerated() {
            for name in names(of: move, keyPath: \.from) { left[name] = position }
        }
        for (position, move) in standing.enumerated() {
            for name in names(of: move, keyPath: \.to) {
                guard let leaver = left[name], leaver != position else { continue }
                prerequisites[position, default: []].append(leaver)
                let (one, other) = (root(position), root(leaver))
                if one != other { chains[max(one, other)] = min(one, other) }
            }
        }
    }

    private func names(of move: Move, keyPath: KeyPath<Move, String>) -> [MoveNames.Name] {
        let companions = (context.followersByTable[move.oid] ?? []).filter { Self.travelsWithItsTable($0, context) }
        return ([move] + companions).flatMap { context.names.names(of: $0, in: $0[keyPath: keyPath]).map(\.name) }
    }

    private func root(_ position: Int) -> Int {
        var position = position
        while let next = chains[position] { position = next }
        return position
    }

    private func turns(_ chain: [Int]) -> [Turn] {
        var pending = OrderedSet(chain)
        var aside: OrderedSet<Int> = []
        var turns: [Turn] = []
        func isFree(_ position: Int) -> Bool {
            (prerequisites[position] ?? []).allSatisfy { $0 == position || !pending.contains($0) }
        }
        while !pending.isEmpty || !aside.isEmpty {
            if let next = aside.first(where: isFree) {
                aside.remove(next)
                turns.append(Turn(move: standing[next], kind: .back))
            } else if let next = pending.first(where: isFree) {
                pending.remove(next)
                turns.append(Turn(move: standing[next], kind: .whole))
            } else {
                let next = pending.removeFirst()
                aside.append(next)
                turns.append(Turn(move: standing[next], kind: .aside))
            }
        }
        if let first = turns.firstIndex(where: { $0.kind == .aside }) { turns[first].handlesSchema = true }
        if let last = turns.lastIndex(where: { $0.kind == .back }) { turns[last].handlesSchema = true }
        return turns
    }
}
