/// Something that Strata makes in a schema of its own and keeps up to date, such as the event store. What its parts are made
/// of is not the planner's to know: whoever asks for a plan brings them, with what of them is still to be done.
package struct Component: Sendable, Equatable {
    /// A step.
    package struct Part: Sendable, Equatable {
        package var name: String
        package var statements: [String]
        /// In the order in which they run.
        package var undo: [String]
        package var locks: [Lock] = []
        package var reason: String
        /// It was never there; else it is made again, in place.
        package var isNew: Bool

        package init(_ name: String, statements: [String], undo: [String], reason: String, isNew: Bool) {
            (self.name, self.statements, self.undo) = (name, statements, undo)
            (self.reason, self.isNew) = (reason, isNew)
        }
    }

    /// For people: `event store`.
    package var title: String
    package var schema: String
    /// What is there; nil: none, or one without a version.
    package var installed: Int?
    package var version: Int
    /// What is to be done, in order; empty: nothing.
    package var parts: [Part]
    /// Why it cannot be done, and what is worth knowing about it.
    package var diagnostics: [Diagnostic]
    /// How the names of its tables begin that come and go by themselves.
    package var passing: [String]

    package init(_ title: String, schema: String, installed: Int?, version: Int) {
        (self.title, self.schema, self.installed, self.version) = (title, schema, installed, version)
        (parts, diagnostics, passing) = ([], [], [])
    }
}

/// What a plan remembers of a component, for those who look at the database later.
package struct PlannedComponent: Sendable, Hashable, Codable {
    package var schema: String
    package var passing: [String]

    package init(schema: String, passing: [String]) { (self.schema, self.passing) = (schema, passing) }
}

/// After everything else, so that a run which is undone asks the component first whether it may go.
struct ComponentSteps {
    let components: [Component]

    func add(to draft: inout PlanDraft) {
        for component in components {
            for note in component.diagnostics where note.severity != .error { draft.add(note) }
            for part in component.parts {
                draft.add(
                    Step(
                        kind: part.isNew ? .makePart : .renewPart,
                        object: "\(component.title) \(component.schema): \(part.name)", statements: part.statements,
                        undo: part.undo, locks: part.locks, reason: part.reason))
            }
        }
    }

    var complaints: [Diagnostic] { components.flatMap(\.diagnostics).filter { $0.severity == .error } }

    var planned: [PlannedComponent]? {
        components.isEmpty ? nil : components.map { PlannedComponent(schema: $0.schema, passing: $0.passing) }
    }
}
