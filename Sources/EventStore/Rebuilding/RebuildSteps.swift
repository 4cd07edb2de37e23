/// What a rebuild does next, from what is on record and where the copies stand. No I/O: each step is one transaction or can be
/// begun anew, so that a process that is killed leaves a record from which the next one goes on.
struct RebuildSteps {
    enum Wish: Hashable {
        case rebuild(expectsDifference: Bool)
        case undo
        /// What was built so far goes.
        case cancel
        case dropOld
    }

    enum Step: Hashable {
        /// Tables beside the live ones, and the record.
        case make
        /// A copy is brought to where the live one stands.
        case project(ProjectionCopy)
        case compare
        /// That copy becomes the live one.
        case swap(ProjectionCopy)
        /// The store's dead letters become those of the copy that is live now.
        case settleLetters
        case drop(ProjectionCopy)
        case done
        case refuse(RebuildRefusal)
    }

    let wish: Wish
    /// Of the projection as it is declared now.
    let fingerprint: String
    /// What this call has done so far.
    private(set) var hasSwapped = false
    private var hasSettled = false
    private var hasDropped = false
    private var differs: Bool?

    init(_ wish: Wish, fingerprint: String) { (self.wish, self.fingerprint) = (wish, fingerprint) }

    /// The step is done, and the record says so.
    mutating func did(_ step: Step) {
        switch step {
        case .swap: hasSwapped = true
        case .settleLetters: hasSettled = true
        case .drop: hasDropped = true
        // It has moved on: what was compared is not what is swapped, by less than what a swap catches up with.
        default: break
        }
    }

    mutating func compared(differs: Bool) { self.differs = differs }

    /// - Parameter behind: events between the copy that is to become live and the live one.
    func next(_ record: RebuildRecord?, behind: Int) -> Step {
        if hasDropped { return .done }
        guard let record else {
            switch wish {
            case .rebuild: return .make
            case .undo, .dropOld: return .refuse(.nothingKept)
            case .cancel: return .refuse(.nothingBegun)
            }
        }
        // After a swap nothing else comes before this.
        if !record.lettersAgree { return .settleLetters }
        switch (wish, record.stage) {
        case (.rebuild(let expectsDifference), .projecting):
            return building(record, behind, expectsDifference: expectsDifference)
        case (.rebuild, .swapped), (.rebuild, .undone):
            if record.dropsOld { return .drop(.old) }
            // Where this call has ended what an earlier one could not, it is done.
            return hasSwapped || hasSettled ? .done : .refuse(.oldIsKept)
        case (.undo, .swapped): return behind > Self.fewEvents ? .project(.old) : .swap(.old)
        case (.undo, .undone): return .done
        case (.undo, .projecting): return .refuse(.notSwapped)
        case (.cancel, .projecting): return .drop(.next)
        case (.cancel, _): return .refuse(.isSwapped)
        case (.dropOld, .projecting): return .refuse(.notSwapped)
        case (.dropOld, _): return .drop(.old)
        }
    }

    /// What a swap catches up with by itself, while others wait.
    static let fewEvents = 100

    private func building(_ record: RebuildRecord, _ behind: Int, expectsDifference: Bool) -> Step {
        guard record.fingerprint == fingerprint else { return .refuse(.declaredOtherwise) }
        guard let differs else { return behind > Self.fewEvents ? .project(.next) : .compare }
        if differs, !expectsDifference { return .refuse(.differs) }
        return behind > Self.fewEvents ? .project(.next) : .swap(.next)
    }
}

/// Why a rebuild does not go on.
package enum RebuildRefusal: Error, Sendable, Hashable {
    /// The read models are not the same, and nobody said that they should not be.
    case differs
    /// The projection's declaration or statements are not those that the rebuild began with.
    case declaredOtherwise
    /// What the last rebuild has replaced is still there.
    case oldIsKept
    case nothingKept
    case nothingBegun
    case notSwapped
    case isSwapped
    /// What is kept was made by other statements than are declared now.
    case oldIsOfOthers
    /// Another process rebuilds this projection.
    case busy
    /// The projection has not run yet.
    case notRun
    /// The read model cannot be exchanged: objects, and why.
    case obstacles([RebuildObstacle])
    /// A lock was not to be had in the given time.
    case lockNotFree(String)
}

/// Something that stands in the way of exchanging a read model.
package struct RebuildObstacle: Sendable, Hashable {
    /// Such as `materialized view public.breed_popularity`.
    package var object: String
    package var reason: String
    package var remedy: String

    package init(_ object: String, _ reason: String, _ remedy: String) {
        (self.object, self.reason, self.remedy) = (object, reason, remedy)
    }
}
