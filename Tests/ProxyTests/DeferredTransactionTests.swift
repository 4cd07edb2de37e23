import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// Where a transaction runs that has not written yet, unit by unit.
@Suite("Transactions that wait for their first statement")
struct DeferredTransactionTests {
    private typealias Content = DeferredTransaction.Content
    typealias Modes = StatementShape.TransactionModes

    /// What units say, by the statements in them.
    private static func content(_ kinds: StatementShape.Kind..., count: Int? = nil) -> Content {
        Content(kinds.map { StatementShape($0) }, count: count ?? kinds.count)
    }
    private static let select = content(.select)
    private static let begin = content(.begin(Modes()))
    private static let readOnly = content(.begin(Modes(isReadOnly: true)))
    private static let commit = content(.commit(chain: false))
    private static let rollback = content(.rollback(chain: false))

    /// One that has begun with this and been held.
    private static func held(
        _ modes: Modes = Modes(isReadOnly: true), isOptimistic: Bool = false
    ) -> DeferredTransaction {
        var machine = DeferredTransaction(isOptimistic: isOptimistic)
        #expect(machine.next(content(.begin(modes)), access: .anywhere, isFree: true) == .hold)
        #expect(machine.place == .held)
        return machine
    }

    private static func onReplica(
        _ modes: Modes = Modes(isReadOnly: true), isOptimistic: Bool = false
    )
        -> DeferredTransaction
    {
        var machine = held(modes, isOptimistic: isOptimistic)
        _ = machine.next(select, access: .read, isFree: true)
        #expect(machine.place == .replica)
        return machine
    }

    // MARK: Beginning

    @Test("without a transaction, nothing is its business")
    func none() {
        var machine = DeferredTransaction(isOptimistic: true)
        for content in [Self.select, Self.commit, Self.rollback, Self.content(.savepoint("a")), Content()] {
            for access in [Decision.Access.anywhere, .read, .primary] {
                #expect(machine.next(content, access: access, isFree: true) == .none)
                #expect(machine.place == .none)
            }
        }
    }

    @Test(
        "which transactions may read on a replica, by default and if optimistic",
        arguments: [
            (Modes(), false, true), (Modes(isReadOnly: true), true, true), (Modes(isReadOnly: false), false, false),
            (Modes(isolation: .readCommitted), false, true), (Modes(isolation: .repeatableRead), false, false),
            (Modes(isolation: .repeatableRead, isReadOnly: true), true, true),
            (Modes(isolation: .serializable, isReadOnly: true), false, false),
            (Modes(isReadOnly: true, importsSnapshot: true), false, false), (Modes(isDeferrable: true), false, true),
            // PostgreSQL treats it as READ COMMITTED; nobody needs it.
            (Modes(isolation: .readUncommitted), false, false),
        ])
    func modes(_ modes: Modes, byDefault: Bool, ifOptimistic: Bool) {
        for (isOptimistic, wanted) in [(false, byDefault), (true, ifOptimistic)] {
            var machine = DeferredTransaction(isOptimistic: isOptimistic)
            let step = machine.next(Self.content(.begin(modes)), access: .anywhere, isFree: true)
            #expect(step == (wanted ? .hold : .none))
            #expect(machine.place == (wanted ? .held : .none))
        }
    }

    @Test("a client that has a server already, or may have no replica, is left alone")
    func notFree() {
        var machine = DeferredTransaction(isOptimistic: true)
        #expect(machine.next(Self.readOnly, access: .anywhere, isFree: false) == .none)
        #expect(machine.place == .none)
    }

    @Test("BEGIN with its first statement in one unit goes where that may go")
    func together() {
        let both = Self.content(.begin(Modes(isReadOnly: true)), .select)
        var machine = DeferredTransaction(isOptimistic: false)
        #expect(machine.next(both, access: .primary, isFree: true) == .none)
        #expect(machine.place == .none)
        #expect(machine.next(both, access: .read, isFree: true) == .replica(required: .reads))
        #expect(machine.place == .replica)
        for whole in [
            Self.content(.begin(Modes(isReadOnly: true)), .select, .commit(chain: false)),
            Self.content(.begin(Modes(isReadOnly: true)), .declareCursor(isHeld: false)),
            Self.content(.begin(Modes(isReadOnly: true)), .begin(Modes())),
        ] {
            var machine = DeferredTransaction(isOptimistic: false)
            #expect(machine.next(whole, access: .read, isFree: true) == .none)
            #expect(machine.place == .none)
        }
    }

    // MARK: Held

    @Test("one that ends before anything came reaches no server", arguments: [true, false])
    func empty(_ commits: Bool) {
        var machine = Self.held()
        let end = commits ? Self.commit : Self.rollback
        #expect(machine.next(end, access: .anywhere, isFree: true) == .endHere(commits ? .commit : .rollback))
        #expect(machine.place == .none)
        #expect(machine.next(Self.select, access: .read, isFree: true) == .none)
    }

    @Test("the first statement decides")
    func first() {
        var reads = Self.held()
        #expect(reads.next(Self.select, access: .read, isFree: true) == .replica(required: .reads))
        #expect(reads.place == .replica)
        var says = Self.held()
        #expect(
            says.next(Self.content(.show), access: .anywhere, isFree: true) == .replica(required: .reads))
        var writes = Self.held()
        #expect(writes.next(Self.content(.write), access: .primary, isFree: true) == .primary)
        #expect(writes.place == .none)
    }

    @Test("a REPEATABLE READ transaction needs all that was written, for later statements see what the first one saw")
    func everything() {
        var machine = Self.held(Modes(isolation: .repeatableRead, isReadOnly: true))
        // SET LOCAL takes no snapshot; the first query does, and what is newer is not for this transaction.
        let set = Self.content(.set(name: "work_mem", isLocal: true))
        #expect(machine.next(set, access: .anywhere, isFree: true) == .replica(required: .everything))
        #expect(machine.next(Self.select, access: .read, isFree: true) == .replica(required: .everything))
        #expect(machine.next(Self.select, access: .read, isFree: true) == .replica(required: .nothing))
        // The same where SET TRANSACTION says so.
        var changed = Self.held(Modes(isReadOnly: true))
        let modes = Self.content(.setTransaction(Modes(isolation: .repeatableRead)))
        #expect(changed.next(modes, access: .anywhere, isFree: true) == .replica(required: .everything))
        #expect(changed.next(Self.select, access: .read, isFree: true) == .replica(required: .everything))
        #expect(changed.next(Self.select, access: .read, isFree: true) == .replica(required: .nothing))
        var writing = Self.held(Modes(isReadOnly: true))
        let back = Self.content(.setTransaction(Modes(isReadOnly: false)))
        #expect(writing.next(back, access: .anywhere, isFree: true) == .primary)
    }

    private static let tied: [Content] = [
        content(.declareCursor(isHeld: false)), content(.createTemporary), content(.unlisten(all: true)),
        content(.begin(Modes())), content(.commit(chain: true)), content(.rollback(chain: true)),
        content(.prepareTransaction), content(.select, .commit(chain: false)), content(.begin(Modes()), .select),
    ]

    @Test("what ties a transaction to its server begins on the primary, or moves there")
    func tiedToServer() {
        for content in Self.tied {
            for machine in [Self.held(), Self.onReplica()] {
                var machine = machine
                #expect(machine.next(content, access: .anywhere, isFree: true) == .primary, "\(content)")
                #expect(machine.place == .none)
            }
        }
    }

    // MARK: On a replica

    @Test("reads, savepoints and settings go on there; its end is asked of nobody else")
    func goesOn() {
        var machine = Self.onReplica()
        for content in [
            Self.select, Self.content(.savepoint("a")), Self.content(.rollbackTo("a")), Self.content(.release("a")),
        ] {
            #expect(machine.next(content, access: .read, isFree: false) == .replica(required: .reads))
        }
        #expect(machine.next(Self.commit, access: .anywhere, isFree: false) == .replica(required: .reads))
        #expect(machine.place == .replica)
        machine.ended()
        #expect(machine.place == .none)
        #expect(machine.next(Self.select, access: .read, isFree: true) == .none)
    }

    @Test("the first that only the primary can do moves it, for good")
    func moves() {
        var machine = Self.onReplica(Modes(), isOptimistic: true)
        #expect(machine.next(Self.content(.write), access: .primary, isFree: false) == .primary)
        #expect(machine.place == .none)
        #expect(machine.next(Self.select, access: .read, isFree: false) == .none)
        #expect(machine.next(Self.commit, access: .anywhere, isFree: false) == .none)
    }

    @Test("where no replica can be had, it is the primary's")
    func moved() {
        var machine = Self.onReplica()
        machine.moved()
        #expect(machine.place == .none)
        #expect(machine.next(Self.select, access: .read, isFree: false) == .none)
    }

    @Test("with several databases, what names none stays movable; the first that names one decides", arguments: [0, 1])
    func placed(_ database: Int) {
        var machine = DeferredTransaction(isOptimistic: false, isPlaced: true)
        #expect(machine.next(Self.begin, access: .anywhere, isFree: true) == .hold)
        #expect(machine.next(Self.content(.show), access: .anywhere, isFree: true) == .roam)
        #expect(machine.place == .roaming && machine.isUnbound)
        var names = Self.select
        names.database = database
        #expect(machine.next(names, access: .read, isFree: false) == (database == 0 ? .stay : .primary))
        #expect(machine.place == .none && machine.database == database)
    }

    // MARK: Failed

    @Test("where no server could be had, nothing but its end is heard, and that is a ROLLBACK")
    func failed() {
        for end in [Self.commit, Self.rollback] {
            var machine = Self.held()
            machine.failed()
            #expect(machine.place == .failed)
            for content in [
                Self.select, Self.readOnly, Self.content(.savepoint("a")), Self.content(.select, .commit(chain: false)),
            ] {
                #expect(machine.next(content, access: .read, isFree: true) == .aborted)
                #expect(machine.place == .failed)
            }
            #expect(machine.next(end, access: .anywhere, isFree: true) == .endHere(.rollback))
            #expect(machine.place == .none)
            #expect(machine.next(Self.readOnly, access: .anywhere, isFree: true) == .hold)
        }
    }

    // MARK: What units say

    @Test("what is to be done again elsewhere, what cannot be, and what is neither")
    func contents() {
        for kind: StatementShape.Kind in [
            .savepoint("a"), .release("a"), .rollbackTo("a"), .set(name: "work_mem", isLocal: true),
            .setTransaction(Modes()), .setConstraints,
        ] {
            let content = Self.content(kind)
            #expect(content.isReplayed && !content.isTied && !content.isOther, "\(kind)")
        }
        var configures = StatementShape(.select)
        configures.configuredSettings = ["work_mem"]
        #expect(
            Content([configures], count: 1)
                == {
                    var wanted = Content(); wanted.isReplayed = true; return wanted
                }())
        #expect(Self.select == Content())
        #expect(Self.content(.write).isOther)
        // One of several statements ends no transaction by itself.
        let several = Self.content(.commit(chain: false), count: 2)
        #expect(several.end == nil && several.isOther)
        let late = Self.content(.select, .begin(Modes()))
        #expect(late.isOther && !late.isBegin && !late.startsWithBegin)
    }

    // MARK: Any order

    @Test("in any order of events: what is held or failed has no server, what is the primary's is left alone")
    func anyOrder() {
        var random = SeededRandom(SeededRandom.seed(for: "deferred transactions"))
        let contents =
            Self.tied + [
                Self.select, Self.begin, Self.readOnly, Self.commit, Self.rollback, Self.content(.savepoint("a")),
                Content(),
            ]
        for _ in 0..<2_000 {
            var machine = DeferredTransaction(isOptimistic: random.once(in: 2), isPlaced: random.once(in: 2))
            for _ in 0..<12 {
                let before = machine.place
                let step = machine.next(
                    random.pick(contents), access: random.pick([.anywhere, .read, .primary]),
                    isFree: before != .none || random.once(in: 2))
                switch step {
                case .hold: #expect(before == .none && machine.place == .held)
                case .endHere(let end):
                    #expect(machine.place == .none && (before == .held || (before == .failed && end == .rollback)))
                case .replica: #expect(machine.place == .replica && before != .failed)
                case .primary: #expect(machine.place == .none && before != .failed && before != .none)
                case .roam: #expect(machine.place == .roaming && machine.isPlaced && before != .replica)
                case .stay: #expect(machine.place == .none && before == .roaming)
                case .aborted: #expect(before == .failed && machine.place == .failed)
                case .none: #expect(before == .none && machine.place == .none)
                }
                switch random.below(12) {
                case 0 where machine.place == .replica: machine.moved()
                case 1 where machine.place == .replica || machine.place == .held: machine.failed()
                case 2 where machine.place == .replica: machine.ended()
                default: break
                }
            }
        }
    }
}
