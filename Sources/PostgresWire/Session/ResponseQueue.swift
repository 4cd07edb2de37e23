/// Which answers a server still owes, in order, and for whom: what lets a proxy put requests of its own between those of
/// a client, answer some itself, and know when the server owes nothing more.
///
/// Pure: told what was sent and what came, it says what to do with each message. It follows PostgreSQL's `PostgresMain`:
/// after an error in the extended protocol everything up to the next Sync is skipped; Sync within COPY FROM STDIN is
/// ignored.
public struct ResponseQueue: Sendable {
    /// What was asked. The answers of those marked "own" are not the client's.
    public enum Request: Sendable {
        case query
        case parse
        case bind
        case describe
        case execute
        case close
        case sync
        case functionCall
        /// The client's Parse, answered from what the server has prepared already: ParseComplete in its turn.
        case localParse
        /// The client's Close, which the server is spared: CloseComplete in its turn.
        case localClose

        /// One byte each, compared in the caller's module: the synthesised function would be called.
        @inlinable
        @inline(__always)
        public static func == (left: Request, right: Request) -> Bool {
            unsafeBitCast(left, to: UInt8.self) == unsafeBitCast(right, to: UInt8.self)
        }
    }

    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var request: Request
        @usableFromInline var isOwn: Bool
        /// Of a Parse that puts a statement on the server, or a Describe of one: which one; `unnamed`, or -1.
        @usableFromInline var statement: Int32

        @inlinable
        init(request: Request, isOwn: Bool, statement: Int32) {
            self.request = request
            self.isOwn = isOwn
            self.statement = statement
        }
    }

    /// What to do with a message of the server.
    public struct Verdict: Equatable, Sendable {
        /// It goes to the client.
        public var isForwarded: Bool
        /// Local answers are due after it (`takeReplies`).
        public var hasReplies: Bool
        /// It was the last that the server owed, and no transaction is open.
        public var isIdle: Bool
        /// A statement is now on the server, or what its rows are like is known.
        public var statement: StatementOutcome?

        @inlinable
        public init(
            isForwarded: Bool, hasReplies: Bool = false, isIdle: Bool = false, statement: StatementOutcome? = nil
        ) {
            self.isForwarded = isForwarded
            self.hasReplies = hasReplies
            self.isIdle = isIdle
            self.statement = statement
        }
    }

    public enum StatementOutcome: Equatable, Sendable {
        case prepared(Int32)
        /// RowDescription or NoData of a statement.
        case described(Int32)
    }

    /// What an error did to the unnamed statement.
    public enum UnnamedLoss: Sendable {
        /// The server has none, or an older one; its client has another one still.
        case onServer
        /// The last that the client sent does not exist.
        case ofClient
    }

    // What runs for each message is compiled into the module that calls it, and so are these: a call would copy the whole
    // queue first.
    @usableFromInline var entries: [Entry] = []
    @usableFromInline var head = 0
    @usableFromInline var replies: [UInt8] = []
    @usableFromInline var state = State()
    private var unanswered: UInt32 = 0
    private var notClosed: [Int32] = []
    private var notPrepared: [Int32] = []
    private var unnamedLoss: UnnamedLoss?
    /// As `statement`: a Parse of the unnamed statement.
    public static let unnamed: Int32 = -2

    @usableFromInline
    struct State: Sendable {
        @usableFromInline var transaction = TransactionStatus.idle
        @usableFromInline var isSkipping = false
        @usableFromInline var isCopyingIn = false
        @usableFromInline var isCopyEnded = false
        @usableFromInline var isOpen = false
        @usableFromInline var pendingParses = 0
        @inlinable init() {}
    }

    /// As the last ReadyForQuery said.
    @inlinable @inline(__always) public var transaction: TransactionStatus { state.transaction }
    /// After an error in the extended protocol, until Sync.
    @inlinable @inline(__always) public var isSkipping: Bool { state.isSkipping }
    /// Between CopyInResponse (or CopyBothResponse) and the end of the copy.
    @inlinable @inline(__always) public var isCopyingIn: Bool { state.isCopyingIn }
    /// Parses of statements with a number (`statement`) whose answers are still to come.
    @inlinable @inline(__always) public var pendingParses: Int { state.pendingParses }
    /// Messages of the extended protocol have gone to the server, and no Sync behind them: it is inside of something,
    /// whatever it has answered.
    @inlinable @inline(__always) public var isOpen: Bool { state.isOpen }

    public init() {}

    @inlinable @inline(__always) public var isEmpty: Bool { head == entries.count }
    /// Nothing is outstanding, and a query of our own would be in nobody's way.
    @inlinable @inline(__always) public var isBetweenUnits: Bool { isEmpty && !isOpen && !isSkipping && !isCopyingIn }
    /// Answers that are still to come, local ones among them.
    @inlinable public var count: Int { entries.count - head }
    /// The server owes nothing, holds no transaction, and reads requests again.
    @inlinable @inline(__always) public var isIdle: Bool { isBetweenUnits && transaction == .idle }

    /// To be called when a request goes to the server, or is answered here.
    /// - Returns: true where a local answer is due at once.
    @inlinable
    @inline(__always)
    @discardableResult
    public mutating func sent(_ request: Request, own: Bool = false, statement: Int32 = -1) -> Bool {
        if isSkipping {
            guard request == .sync else { return false }
            // What is sent behind this Sync is done again, also before its ReadyForQuery has come.
            state.isSkipping = false
        }
        if isCopyingIn && !state.isCopyEnded && request == .sync { return false }
        switch request {
        case .parse, .bind, .describe, .execute, .close: state.isOpen = true
        case .sync, .query, .functionCall: state.isOpen = false
        case .localParse, .localClose: break
        }
        if request == .localParse || request == .localClose {
            if isEmpty {
                replies.append(request == .localParse ? BackendTag.parseComplete : BackendTag.closeComplete)
                return true
            }
        }
        if isEmpty && head > 0 {
            entries.removeAll(keepingCapacity: true)
            head = 0
        }
        if statement >= 0, request == .parse { state.pendingParses += 1 }
        entries.append(Entry(request: request, isOwn: own, statement: statement))
        return false
    }

    /// Requests of our own that go to the server just before the one that was noted last.
    public mutating func insertBeforeLast(_ requests: [(request: Request, statement: Int32)]) {
        guard !isEmpty else { return }
        for request in requests where request.request == .parse && request.statement >= 0 { state.pendingParses += 1 }
        entries.insert(
            contentsOf: requests.map { Entry(request: $0.request, isOwn: true, statement: $0.statement) },
            at: entries.count - 1)
    }

    /// CopyDone or CopyFail goes to the server.
    @inlinable public mutating func sentCopyEnd() { if isCopyingIn { state.isCopyEnded = true } }

    /// How many requests have turned out, since this was last asked, to get no ReadyForQuery: queries and function calls
    /// behind an error in the extended protocol, Syncs within COPY FROM STDIN.
    public mutating func takeUnanswered() -> UInt32 {
        defer { unanswered = 0 }
        return unanswered
    }

    /// Statements with a number whose Parse the last errors made the server fail or skip.
    public mutating func takeNotPrepared() -> [Int32] {
        defer { notPrepared = [] }
        return notPrepared
    }

    /// Statements with a number whose Close the last error made the server skip: they are still there.
    public mutating func takeNotClosed() -> [Int32] {
        defer { notClosed = [] }
        return notClosed
    }

    /// Whether the last error made the server fail or skip the newest Parse of the unnamed statement.
    public mutating func takeUnnamedLoss() -> UnnamedLoss? {
        defer { unnamedLoss = nil }
        return unnamedLoss
    }

    /// Whether a request that is sent now will be answered with ReadyForQuery, as far as is known.
    @inlinable
    @inline(__always)
    public func isAnswered(_ request: Request) -> Bool {
        request == .sync ? !(isCopyingIn && !state.isCopyEnded) : !isSkipping
    }

    /// Tags of the local answers that are due, oldest first.
    public mutating func takeReplies() -> [UInt8] {
        defer { replies.removeAll(keepingCapacity: true) }
        return replies
    }

    /// - Parameter status: the body's first byte, for ReadyForQuery.
    @inlinable
    @inline(__always)
    public mutating func received(_ tag: UInt8, status: UInt8 = 0) -> Verdict {
        switch tag {
        case BackendTag.dataRow, BackendTag.rowDescription, BackendTag.copyData, BackendTag.copyDone:
            if tag == BackendTag.rowDescription { return answered(.describe) }
            return Verdict(isForwarded: isFrontForwarded)
        case BackendTag.commandComplete, BackendTag.emptyQueryResponse, BackendTag.portalSuspended:
            state.isCopyingIn = false
            return answered(.execute)
        case BackendTag.readyForQuery: return ready(status)
        case BackendTag.bindComplete: return answered(.bind)
        case BackendTag.parseComplete: return answered(.parse)
        default: return receivedOther(tag)
        }
    }

    @usableFromInline
    mutating func receivedOther(_ tag: UInt8) -> Verdict {
        switch tag {
        case BackendTag.closeComplete: return answered(.close)
        case BackendTag.noData: return answered(.describe)
        case BackendTag.errorResponse: return failed()
        case BackendTag.copyInResponse, BackendTag.copyBothResponse:
            state.isCopyingIn = true
            state.isCopyEnded = false
            let verdict = Verdict(isForwarded: isFrontForwarded)
            dropIgnoredSyncs()
            return verdict
        // At any time, and of nobody's request.
        case BackendTag.noticeResponse, BackendTag.parameterStatus, BackendTag.notificationResponse:
            return Verdict(isForwarded: true)
        default: return Verdict(isForwarded: isFrontForwarded)
        }
    }

    /// Answers that end a message of the extended protocol; within a simple query they end nothing.
    @inlinable
    @inline(__always)
    mutating func answered(_ request: Request) -> Verdict {
        guard head < entries.count, entries[head].request == request else {
            return Verdict(isForwarded: isFrontForwarded)
        }
        let entry = entries[head]
        var verdict = Verdict(isForwarded: !entry.isOwn)
        head += 1
        if entry.statement >= 0 {
            if request == .parse {
                state.pendingParses -= 1
                verdict.statement = .prepared(entry.statement)
            } else if request == .describe {
                verdict.statement = .described(entry.statement)
            }
        }
        verdict.hasReplies = collectReplies()
        return verdict
    }

    private mutating func failed() -> Verdict {
        state.isCopyingIn = false
        guard head < entries.count else { return Verdict(isForwarded: true) }
        // A request of our own failed on the client's way: the client gets the error in place of its own answer.
        let isQuiet = entries[head].isOwn && entries[head].request == .query
        let verdict = Verdict(isForwarded: !isQuiet)
        switch entries[head].request {
        case .query, .functionCall, .sync: return verdict
        default: break
        }
        state.isSkipping = true
        let known = notPrepared.count
        while head < entries.count, entries[head].request != .sync {
            // A function call or query behind the error is skipped as well.
            // No ReadyForQuery comes for it.
            if entries[head].request == .query || entries[head].request == .functionCall { unanswered += 1 }
            if entries[head].statement == Self.unnamed {
                unnamedLoss = entries[head].isOwn ? unnamedLoss ?? .onServer : .ofClient
            } else if entries[head].statement >= 0 {
                if entries[head].request == .parse { notPrepared.append(entries[head].statement) }
                if entries[head].request == .close { notClosed.append(entries[head].statement) }
            }
            head += 1
        }
        if head < entries.count { state.isSkipping = false }
        // A newer one is on its way.
        if unnamedLoss != nil, entries[head...].contains(where: { $0.statement == Self.unnamed }) { unnamedLoss = nil }
        state.pendingParses -= notPrepared.count - known
        return verdict
    }

    @inlinable
    mutating func ready(_ status: UInt8) -> Verdict {
        state.transaction = TransactionStatus(rawValue: status) ?? .idle
        state.isSkipping = false
        state.isCopyingIn = false
        var verdict = Verdict(isForwarded: true)
        if head < entries.count {
            verdict.isForwarded = !entries[head].isOwn
            head += 1
            verdict.hasReplies = collectReplies()
        }
        verdict.isIdle = isIdle
        return verdict
    }

    @inlinable @inline(__always) var isFrontForwarded: Bool { head >= entries.count || !entries[head].isOwn }

    @inlinable
    @inline(__always)
    mutating func collectReplies() -> Bool {
        guard head < entries.count else { return false }
        return collectMoreReplies()
    }

    @usableFromInline
    mutating func collectMoreReplies() -> Bool {
        var found = false
        while head < entries.count {
            switch entries[head].request {
            case .localParse: replies.append(BackendTag.parseComplete)
            case .localClose: replies.append(BackendTag.closeComplete)
            default: return found
            }
            head += 1
            found = true
        }
        return found
    }

    /// A client that sent Execute and Sync together gets into COPY only after the server has read past that Sync.
    private mutating func dropIgnoredSyncs() {
        guard head < entries.count, entries[head].request == .execute else { return }
        while head + 1 < entries.count, entries[head + 1].request == .sync {
            entries.remove(at: head + 1)
            unanswered += 1
        }
    }
}
