internal import PostgresWire
internal import SQLSyntax

/// One statement text with its parameter types, under one name on all servers: clients' own names (`s0`, `P_0`) collide.
final class NamedStatement {
    let id: Int32
    let query: [UInt8]
    let parameterTypes: [UInt8]
    /// The name on the servers, in bytes.
    let name: [UInt8]
    /// How many clients know it.
    fileprivate(set) var users = 0
    fileprivate let key: StatementRegistry.Key
    /// Decided once for a catalog and a search_path; the router says whether it still holds.
    var decision: Decision?
    var decisionStamp: UInt64 = 0
    var decisionPath: UInt32 = 0
    /// What clients have been told of its rows; nil: nobody has asked.
    var signature: RowSignature?

    fileprivate init(id: Int32, key: StatementRegistry.Key, query: [UInt8], parameterTypes: [UInt8]) {
        self.id = id
        self.key = key
        self.query = query
        self.parameterTypes = parameterTypes
        name = Array("strata_\(id)".utf8)
    }

    /// The Parse that puts it on a server.
    func writeParse(to writer: inout MessageWriter) {
        ParseMessage.write(name: name, query: query, parameterTypes: parameterTypes, to: &writer)
    }

    /// A Parse of nothing under the name, which always succeeds: what the text itself says may not be possible any more.
    func writePlaceholder(to writer: inout MessageWriter) {
        ParseMessage.write(name: name, query: "".utf8, parameterTypes: [0, 0], to: &writer)
    }

    func writeDescribe(to writer: inout MessageWriter) {
        writer.message(FrontendTag.describe) { body in
            body.byte(NamedTarget.Kind.statement.rawValue)
            body.raw(name)
            body.byte(0)
        }
    }

    /// The Close that takes one off a server.
    static func writeClose(_ name: some Sequence<UInt8>, to writer: inout MessageWriter) {
        writer.message(FrontendTag.close) { body in
            body.byte(NamedTarget.Kind.statement.rawValue)
            body.raw(name)
            body.byte(0)
        }
    }

    static func writeClose(id: Int32, to writer: inout MessageWriter) { writeClose("strata_\(id)".utf8, to: &writer) }
}

/// The statements that clients of a loop have prepared. One that no client knows any more stays for a while, since the
/// next connection of the same application will prepare it again.
final class StatementRegistry {
    struct Key: Hashable {
        let query: [UInt8]
        let parameterTypes: [UInt8]
    }

    private var statements: [Key: NamedStatement] = [:]
    private var nextID: Int32 = 1
    /// Statements that are kept although nobody uses them.
    private let maximumUnused: Int
    private var unused = 0

    init(maximumUnused: Int = 5_000) { self.maximumUnused = maximumUnused }

    var count: Int { statements.count }

    /// The statement, with one user more.
    func take(query: UnsafeRawBufferPointer, parameterTypes: UnsafeRawBufferPointer) -> NamedStatement {
        let key = Key(query: Array(query), parameterTypes: Array(parameterTypes))
        if let known = statements[key] {
            if known.users == 0 { unused -= 1 }
            known.users += 1
            return known
        }
        let made = NamedStatement(id: nextID, key: key, query: key.query, parameterTypes: key.parameterTypes)
        // 2^31 different texts in one process: the names of the first have long gone by then.
        nextID = nextID == .max ? 1 : nextID + 1
        made.users = 1
        statements[key] = made
        return made
    }

    /// Definitions have changed: a text that is prepared from now on is a new statement, with a plan and types of its
    /// own. Those who have one keep it, as they would with PostgreSQL.
    func renew() {
        statements = [:]
        unused = 0
    }

    func release(_ statement: NamedStatement) {
        statement.users -= 1
        guard statement.users == 0, statements[statement.key] === statement else { return }
        unused += 1
        if unused > maximumUnused { removeUnused() }
    }

    private func removeUnused() {
        statements = statements.filter { $0.value.users > 0 }
        unused = 0
    }
}

/// The statements that one server connection holds, the longest unused first out.
struct ServerStatements {
    /// They may have gone: something that ends them all was sent, and may have failed. Before one is made again, the
    /// name is closed.
    private var doubtful: Set<Int32> = []
    /// Every number up to here may be there: more than are worth remembering one by one.
    private var doubtedUpTo: Int32 = 0
    private var lastUse: [Int32: UInt64] = [:]
    /// The one used last, which is mostly used again, and when: noted in `lastUse` when another one is.
    private var recent: Int32 = -1
    private var recentClock: UInt64 = 0
    private(set) var clock: UInt64 = 0
    /// PgBouncer's `max_prepared_statements` has the same default.
    let maximum: Int

    init(maximum: Int = 200) { self.maximum = maximum }

    var count: Int { lastUse.count }

    /// Before the messages of a client's unit: what was used since is not evicted.
    mutating func startUnit() { clock += 1 }

    /// - Returns: whether it is there.
    mutating func use(_ id: Int32) -> Bool {
        if id == recent {
            recentClock = clock
            return true
        }
        noteRecent()
        guard lastUse.index(forKey: id) != nil else { return false }
        (recent, recentClock) = (id, clock)
        return true
    }

    private mutating func noteRecent() {
        if let place = lastUse.index(forKey: recent) { lastUse.values[place] = recentClock }
        recent = -1
    }

    mutating func add(_ id: Int32) { lastUse[id] = clock }

    /// It was not made, or is gone; as far as is known.
    mutating func remove(_ id: Int32) {
        noteRecent()
        lastUse[id] = nil
        doubtful.insert(id)
        boundDoubts()
    }

    private mutating func boundDoubts() {
        guard doubtful.count > Self.maximumDoubtful else { return }
        doubtedUpTo = max(doubtedUpTo, doubtful.max() ?? 0)
        doubtful.removeAll()
    }
    private static let maximumDoubtful = 1_000

    /// DEALLOCATE ALL or DISCARD ALL is on its way.
    mutating func doubtAll() {
        recent = -1
        doubtful.formUnion(lastUse.keys)
        lastUse.removeAll()
        boundDoubts()
    }

    /// - Returns: whether a Close has to come before the Parse of this one.
    mutating func takeDoubt(_ id: Int32) -> Bool {
        id <= doubtedUpTo || (!doubtful.isEmpty && doubtful.remove(id) != nil)
    }

    /// One that has to go before another is added, or nil; never one of the current unit.
    mutating func evict() -> Int32? {
        noteRecent()
        guard lastUse.count >= maximum, let oldest = lastUse.min(by: { $0.value < $1.value }), oldest.value < clock
        else { return nil }
        lastUse[oldest.key] = nil
        return oldest.key
    }
}
