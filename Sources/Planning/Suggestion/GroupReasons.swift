/// Why a group was put together, in words with figures.
struct GroupReasons {
    let scope: SuggestionScope
    let uses: StatementTies
    let builder: TieBuilder
    let division: Division
    private let callsByGroup: [Int: (calls: Int64, statements: Int)]

    init(scope: SuggestionScope, uses: StatementTies, builder: TieBuilder, division: Division) {
        (self.scope, self.uses, self.builder, self.division) = (scope, uses, builder, division)
        var calls: [Int: (calls: Int64, statements: Int)] = [:]
        for (together, use) in uses.statements {
            let groups = Set(together.nodes.map { division.groupOf[$0] })
            guard groups.count == 1, let group = groups.first ?? nil else { continue }
            let (sum, overflow) = (calls[group]?.calls ?? 0).addingReportingOverflow(use.calls)
            calls[group] = (overflow ? .max : sum, (calls[group]?.statements ?? 0) + use.statements)
        }
        callsByGroup = calls
    }

    func reasons(for number: Int, name: GroupNames.Chosen, keys: KeyCounts) -> [String] {
        let members = division.groups[number]
        var reasons = [keyReason(number, keys), nameReason(name.basis, members)].compactMap { $0 }
        if keys.impliedInside[number] > 0 {
            let count = keys.impliedInside[number]
            reasons.append(
                "\(counted(count, "column")) \(count == 1 ? "is" : "are") named like keys between them, without a constraint"
            )
        }
        if let use = callsByGroup[number] {
            reasons.append(
                "\(grouped(use.calls)) calls of \(counted(use.statements, "statement")) touch several of them together")
        }
        let joins = members.filter(isJoinTable).map { scope.nodes[$0].relation.name }
        if !joins.isEmpty {
            let verb = joins.count == 1 ? "only joins others" : "only join others"
            reasons.append("\(SuggestionWords.list(joins)) \(verb)")
        }
        if reasons.isEmpty { reasons.append(weakReason(members)) }
        return reasons
    }

    private func keyReason(_ number: Int, _ keys: KeyCounts) -> String? {
        let inside = keys.inside[number]
        let all = inside + keys.crossings[number].reduce(0) { $0 + $1.keys }
        guard inside > 0 else { return nil }
        if inside == all {
            return all == 1 ? "their one foreign key stays inside" : "all \(grouped(all)) foreign keys stay inside"
        }
        return "\(grouped(inside)) of \(counted(all, "foreign key")) \(inside == 1 ? "stays" : "stay") inside"
    }

    private func nameReason(_ basis: GroupNames.Basis, _ members: [Int]) -> String? {
        let all = grouped(members.count)
        switch basis {
        case .prefix(let word, let tables): return "\(tables) of \(all) names begin with \(word)"
        case .word(let word, let tables): return "\(tables) of \(all) names contain \(word)"
        case .concept(let subject, let tables): return "\(tables) of \(all) names speak of \(subject)"
        case .records(let tables):
            return "\(tables) of \(all) keep a record of what happened, and no required foreign key ties them elsewhere"
        case .eventStore: return "events with the number of each within its aggregate or stream: an event store"
        case .centre(let table):
            // Two tables and one key between them say all by themselves.
            return members.count > 2 ? "\(table) is at the centre" : nil
        }
    }

    private func weakReason(_ members: [Int]) -> String {
        let together = uses.viewedTogether.count { view in
            view.count { members.contains($0) } > 1
        }
        if together > 0 {
            return "\(counted(together, "view")) \(together == 1 ? "reads" : "read") several of them together"
        }
        return "parts of their names are the same"
    }

    /// Every column, but for times and numbers of rows, is part of one of two foreign keys.
    private func isJoinTable(_ node: Int) -> Bool {
        let oid = scope.nodes[node].relation.oid
        let keys = scope.lookup.constraints(of: oid).filter { $0.kind == .foreignKey }
        guard keys.count == 2, let columns = scope.catalog.columns[oid] else { return false }
        let inKeys = Set(keys.flatMap(\.columns))
        return columns.allSatisfy { inKeys.contains($0.number) }
    }
}
