/// A plan in the making: groups of steps, hazards and notes in the order in which they are found.
struct PlanDraft {
    private(set) var groups: [[Step]] = []
    private(set) var hazards: [Hazard] = []
    private(set) var notes: [Diagnostic] = []

    /// Steps that share one transaction.
    mutating func add(_ steps: [Step]) {
        if !steps.isEmpty { groups.append(steps) }
    }

    mutating func add(_ step: Step) { add([step]) }
    mutating func add(_ hazard: Hazard) { hazards.append(hazard) }
    mutating func add(_ note: Diagnostic) { notes.append(note) }

    /// The steps, numbered.
    var steps: [Step] {
        var steps: [Step] = []
        for (group, members) in groups.enumerated() {
            for var step in members {
                step.number = steps.count + 1
                step.group = group + 1
                steps.append(step)
            }
        }
        return steps
    }
}
