internal import PostgresWire

/// A connection to a PostgreSQL server: its login, what it owes, and what state it is in.
final class ServerConnection: StreamHandler {
    enum Phase { case connecting, securing, login, ready, ended }

    let stream: ByteStream
    /// It outlives its servers. Not counted: each use would cost two atomic operations.
    unowned(unsafe) let pool: Pool
    let startup: StartupParameters
    /// Number within the process, for logs and the admin console.
    let id: Int
    private(set) var phase = Phase.connecting
    private var login: ServerLogin
    private(set) var key: CancelKey?
    private(set) var processID: Int32 = 0
    /// What the server reported at the login, in its order.
    private(set) var reported: [ParameterStatus] = []

    var queue = ResponseQueue()
    /// Whose requests it answers now.
    var client: ClientSession? {
        didSet {
            guard let client else { return }
            lastClient = client.processID
            if sequenceOwner == -1 {
                sequenceOwner = lastClient
            } else if sequenceOwner != lastClient {
                sequenceOwner = 0
            }
        }
    }
    /// The only client that it has served since its sequence values were forgotten; 0: there were several.
    var sequenceOwner: Int32 = -1
    /// The number of the client that it served last: whoever hears from its process hears from that one.
    var lastClient: Int32 = 0
    var statements: ServerStatements
    /// What is set on it beyond its startup parameters.
    var settings = SessionSettings()
    /// Names under which clients' own statements were left on it, to be closed before the next client.
    var strayNames: [[UInt8]] = []
    /// Which client's unnamed statement it holds; 0: none.
    var unnamedOwner: UInt64 = 0
    /// Requests to cancel that are under way: until they are done it serves nobody else.
    var cancelling = 0
    let createdAt: LoopTime
    /// From then on it is closed rather than used again.
    let oldAt: LoopTime
    var idleSince: LoopTime
    /// It is closed rather than used again.
    var isRetired = false
    /// Answers of the unit that runs have reached the client: it can no longer be sent elsewhere.
    var hasForwarded = false
    /// The unit that a replica works on.
    var replay = ReplayUnit()

    private var passThrough = 0
    private var isPassingOn = false
    /// A query of ours that runs here; nobody else's does.
    var ownQuery: OwnQuery?

    init(pool: Pool, startup: StartupParameters, stream: ByteStream, secret: ServerSecret, id: Int) {
        self.pool = pool
        self.startup = startup
        self.stream = stream
        self.id = id
        login = ServerLogin(user: pool.key.user, secret: secret)
        statements = ServerStatements(maximum: pool.limits.maximumPreparedStatements)
        createdAt = pool.worker.loop.now
        oldAt = createdAt + pool.limits.maximumAge
        idleSince = createdAt
        super.init()
        stream.handler = self
    }

    /// It has served somebody, and serves nobody else (`server_lifetime: 0`).
    var hasServed: Bool { pool.limits.servesOnce && lastClient != 0 }
    var isIdle: Bool { phase == .ready && queue.isIdle && ownQuery == nil }

    // MARK: Stream

    override func connected(_ error: Int32) {
        guard error == 0 else {
            let reason = SocketError("connect", error).reason
            return fail(Self.unreachable(pool, reason))
        }
        stream.resume()
        guard pool.node.security.isWanted, case .tcp = pool.node.address else { return startSession() }
        phase = .securing
        // Length 8 and the code of an SSLRequest.
        stream.write([0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F])
    }

    private func startSession() {
        phase = .login
        let message = StartupMessage(
            parameters: [.init("user", pool.key.user), .init("database", pool.serverDatabase)] + startup.parameters)
        stream.write(message.packet)
    }

    /// One byte: whether the server speaks TLS. More would have been put there by somebody between us.
    private func receivedOffer(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let answer = bytes.first else { return 0 }
        let security = pool.node.security
        switch answer {
        case UInt8(ascii: "S") where bytes.count == 1:
            guard let context = security.context, let engine = TLSEngine(context, isServer: false, host: security.host)
            else {
                fail(Self.unreachable(pool, "TLS cannot be set up: \(TLSEngine.lastError())"))
                return bytes.count
            }
            stream.secure(engine) { [unowned self] in
                login.endpoint = engine.endpoint(isServer: false)
                startSession()
            }
        case UInt8(ascii: "N") where bytes.count == 1 && !security.isRequired: startSession()
        case UInt8(ascii: "N"): fail(Self.unreachable(pool, "the server does not speak TLS, and sslmode demands it"))
        default: fail(Self.unreachable(pool, "it does not answer as PostgreSQL does"))
        }
        return bytes.count
    }

    override func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        if phase == .login { return receivedLogin(bytes) }
        if phase == .securing { return receivedOffer(bytes) }
        guard phase == .ready else { return bytes.count }
        return receivedAnswers(bytes)
    }

    override func drained() {
        guard let client, client.isHeldBack else { return }
        client.serverDrained()
    }

    override func finished(_ end: StreamEnd) {
        guard phase != .ended else { return }
        let wasConnecting = phase != .ready
        pool.worker.remove(self)
        phase = .ended
        let error = wasConnecting ? Self.unreachable(pool, Self.reason(end)) : Self.lost(pool)
        if let own = ownQuery {
            ownQuery = nil
            own.completion(.failure(QueryFailure(fields: error)))
        }
        pool.ended(self, wasConnecting ? error : nil)
        if let client {
            self.client = nil
            client.serverEnded(self, error)
        }
    }

    /// Ends a connection that could not be made or is not to be used.
    func close() { stream.end() }

    private func fail(_ error: ErrorFields) {
        guard phase != .ended else { return }
        phase = .ended
        stream.end()
        pool.ended(self, error)
    }

    /// Ends it as a client does, when it is not needed any more.
    func sayGoodbye() {
        pool.worker.remove(self)
        phase = .ended
        stream.write([FrontendTag.terminate, 0, 0, 0, 4])
        stream.endAfterFlush()
        pool.ended(self, nil)
    }

    func timedOut() { fail(Self.unreachable(pool, "no answer within \(pool.limits.connectTimeout) (connect_timeout)")) }

    // MARK: Cancelling

    /// Asks the server to end what runs here. Until the request is through, this connection serves nobody else: the
    /// server would end whatever runs here by then.
    ///
    /// Where nothing runs, nothing is sent: the signal would hit what comes next. Nor where a query of our own runs.
    func cancelRunning(done: @escaping () -> Void) {
        guard phase == .ready, let key, !queue.isEmpty, ownQuery == nil else { return done() }
        cancelling += 1
        let request = CancelRequest(key: key, address: pool.node.address, loop: pool.worker.loop) { [self] in
            cancelling -= 1
            done()
            if cancelling == 0, isIdle, client == nil { pool.idle(self) }
        }
        request.start()
    }

    // MARK: Login

    private func receivedLogin(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while phase == .login {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard case .header(let header) = FrameHeader.read(rest) else {
                if case .invalid = FrameHeader.read(rest) {
                    fail(Self.unreachable(pool, "it does not speak PostgreSQL's protocol"))
                }
                return offset
            }
            guard header.bodyCount <= 65_536 else {
                fail(Self.unreachable(pool, "it does not speak PostgreSQL's protocol"))
                return bytes.count
            }
            guard rest.count >= header.frameCount else { return offset }
            offset += header.frameCount
            let body = UnsafeRawBufferPointer(rebasing: rest[FrameHeader.byteCount..<header.frameCount])
            switch login.received(header.tag, body) {
            case .none: continue
            case .send(let answer): stream.write(answer)
            case .failed(let error): fail(error)
            case .ready:
                key = login.key
                processID = login.key?.processID ?? 0
                reported = login.parameters
                phase = .ready
                pool.worker.add(self)
                pool.connected(self)
            }
        }
        return phase == .ready ? offset : bytes.count
    }

    // MARK: Answers

    /// Forwards what is the client's, in runs as long as possible.
    @inline(__always)
    private func receivedAnswers(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        let count = bytes.count
        var offset = 0
        // Start of the bytes that go to the client and have not been written yet.
        var run = 0
        if passThrough > 0 {
            offset = min(passThrough, count)
            passThrough -= offset
            if !isPassingOn { run = offset }
        }
        var isDone = false
        while count - offset >= FrameHeader.byteCount {
            let tag = base.load(fromByteOffset: offset, as: UInt8.self)
            let length = Int(Int32(bigEndian: base.loadUnaligned(fromByteOffset: offset + 1, as: Int32.self)))
            guard length >= 4 else {
                desynchronised()
                return count
            }
            let end = offset + 1 + length
            if end > count {
                // Rows and copied data are streamed; the rest is small or needed whole.
                guard tag == BackendTag.dataRow || tag == BackendTag.copyData, ownQuery == nil else { break }
                let verdict = queue.received(tag)
                if !verdict.isForwarded { forward(base, &run, offset, next: count) }
                isPassingOn = verdict.isForwarded
                passThrough = end - count
                offset = count
                break
            }
            let status =
                tag == BackendTag.readyForQuery && length == 5
                ? base.load(fromByteOffset: offset + 5, as: UInt8.self) : 0
            let verdict = queue.received(tag, status: status)
            if verdict.isForwarded, verdict.statement == nil, !verdict.hasReplies, Self.isPlain(tag) {
                offset = end
                if verdict.isIdle { isDone = true }
                continue
            }
            if !special(tag, verdict, base, &run, offset, end) { return count }
            offset = end
            if verdict.isIdle { isDone = true }
        }
        forward(base, &run, offset, next: offset)
        if isDone, queue.isIdle {
            becameIdle()
        } else if let client, queue.isEmpty {
            client.serverAnswered()
        } else if client == nil, ownQuery == nil, phase == .ready, queue.isEmpty, queue.transaction != .idle {
            // Its client went on elsewhere in the middle of a transaction, which has done nothing.
            ask("ROLLBACK") { [self] result in if case .failure = result { isRetired = true } }
        }
        return offset
    }

    /// Messages that only pass.
    @inline(__always)
    private static func isPlain(_ tag: UInt8) -> Bool {
        switch tag {
        case BackendTag.errorResponse, BackendTag.parameterStatus, BackendTag.notificationResponse,
            BackendTag.commandComplete, BackendTag.readyForQuery, BackendTag.parseComplete, BackendTag.noticeResponse,
            BackendTag.copyInResponse, BackendTag.copyBothResponse:
            return false
        default: return true
        }
    }

    /// Writes the run that ends here to the client; the next begins at `next`.
    @inline(__always)
    private func forward(_ base: UnsafeRawPointer, _ run: inout Int, _ end: Int, next: Int) {
        if end > run, let client {
            let bytes = UnsafeRawBufferPointer(start: base + run, count: end - run)
            pool.database.counters.sent += bytes.count
            if replay.holdsBack {
                if replay.hold(bytes) {
                    run = next
                    return
                }
                releaseHeld(to: client)
            }
            hasForwarded = true
            client.stream.write(bytes)
            if client.stream.isCongested { stream.pause() }
        }
        run = next
    }

    /// - Returns: false where the connection is over.
    private func special(
        _ tag: UInt8, _ verdict: ResponseQueue.Verdict, _ base: UnsafeRawPointer, _ run: inout Int, _ offset: Int,
        _ end: Int
    ) -> Bool {
        let bodyStart = offset + FrameHeader.byteCount
        let body = UnsafeRawBufferPointer(start: base + bodyStart, count: end - bodyStart)
        var isForwarded = verdict.isForwarded
        switch tag {
        case BackendTag.parameterStatus: if ownQuery != nil || client == nil { isForwarded = false }
        case BackendTag.noticeResponse: if ownQuery != nil || client == nil { isForwarded = false }
        case BackendTag.notificationResponse:
            if client == nil {
                isForwarded = false
            } else if let client {
                // The client knows the process by the number that it was given.
                forward(base, &run, offset, next: end)
                client.notified(body, serverProcess: processID)
                return true
            }
        case BackendTag.errorResponse:
            for id in queue.takeNotPrepared() { statements.remove(id) }
            for id in queue.takeNotClosed() { statements.add(id) }
            if let loss = queue.takeUnnamedLoss() {
                unnamedOwner = 0
                if loss == .ofClient { client?.unnamed = nil }
            }
            if ownQuery == nil, client == nil || isFarewell {
                forward(base, &run, offset, next: end)
                return serverSaid(body)
            }
            if ownQuery != nil {
                ownQuery?.error = ErrorFields(body: body)
                isForwarded = false
            } else if let client {
                if case .retry = client.serverFailed(self, body, skipped: queue.takeUnanswered()) {
                    // Its answer comes from elsewhere; this connection has nothing more to say to this client.
                    return false
                }
                if isForwarded, let shown = client.renamed(error: body) {
                    forward(base, &run, offset, next: end)
                    releaseHeld(to: client)
                    hasForwarded = true
                    client.stream.write(shown)
                }
            }
        case BackendTag.commandComplete, BackendTag.readyForQuery:
            if isForwarded, let client {
                if client.hasWritten { client.noteWrites() }
                // DEALLOCATE, DISCARD ALL, DEALLOCATE ALL.
                if body.first == UInt8(ascii: "D"), body.count == 11 || body.count == 12 || body.count == 15 {
                    client.completed(body, on: self)
                }
            }
            if tag == BackendTag.readyForQuery, isForwarded { client?.answered(queue.transaction) }
        case BackendTag.copyInResponse:
            if let client {
                client.syncsAnswered &+= queue.takeUnanswered()
                if client.isTerminating { client.endTerminated(self) }
            }
        default: break
        }
        switch verdict.statement {
        case .described(let id)?: client?.described(id, RowSignature(tag, body))
        case .prepared?: if isForwarded { client?.confirm(.parse) }
        case nil: break
        }
        if !isForwarded {
            forward(base, &run, offset, next: end)
            collectOwn(tag, body)
        }
        if verdict.hasReplies {
            forward(base, &run, end, next: end)
            for reply in queue.takeReplies() { client?.replyLocally(reply) }
            client?.stream.flush()
        }
        return true
    }

    /// Whether an error is nobody's: it comes while the server owes nothing. A client that has just got this server, or
    /// has not asked anything of it yet, hears nothing of it; one whose session or transaction ends with it does.
    private var isFarewell: Bool { queue.isBetweenUnits && queue.transaction == .idle && !pool.limits.isSession }

    /// What an idle server says is its farewell (57P01), mostly.
    private func serverSaid(_ body: UnsafeRawBufferPointer) -> Bool {
        isRetired = true
        return true
    }

    private func desynchronised() {
        isRetired = true
        stream.end()
    }

    private func becameIdle() {
        guard let client else {
            if ownQuery == nil { pool.idle(self) }
            return
        }
        client.serverIdle(self)
    }

    // MARK: Errors

    private static func reason(_ end: StreamEnd) -> String {
        switch end {
        case .insecure(let reason): "TLS failed: \(reason)"
        case .failed(let code): SocketError("", code).reason
        case .closed, .ended: "the server closed the connection during the login"
        }
    }

    static func unreachable(_ pool: Pool, _ reason: String) -> ErrorFields {
        ErrorFields(
            severity: "FATAL", code: "08006",
            message:
                "could not connect to \(pool.nodeName) of database \"\(pool.databaseName)\" at \(pool.address): \(reason)",
            hint:
                "Check that the server runs and accepts connections from this machine; the proxy tries again at the next statement."
        )
    }

    static func lost(_ pool: Pool) -> ErrorFields {
        ErrorFields(
            severity: "FATAL", code: "08006",
            message: "\(pool.nodeName) of database \"\(pool.databaseName)\" closed the connection unexpectedly",
            detail: "The statement that ran may or may not have been done.",
            hint: "Connect again; look into the server's log for the cause.")
    }
}
