internal import CLibEvent

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Why a connection is over.
enum StreamEnd: Equatable {
    /// TLS broke: what OpenSSL says.
    case insecure(String)
    /// The other side closed it.
    case closed
    /// A system call failed: its errno.
    case failed(Int32)
    /// We closed it.
    case ended
}

/// Takes what a stream reads. A class, so that a stream can call one without counting a reference, which is two atomic
/// operations for each read.
class StreamHandler {
    /// Takes bytes from the front and says how many. What is left comes again, with more behind it. While the stream is
    /// paused from within this call, the rest waits for `resume`.
    func received(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.count }
    /// The queue has fallen below the lower mark.
    func drained() {}
    /// The connection is over; called once.
    func finished(_ end: StreamEnd) {}
    /// An outgoing connection stands (0), or failed with this errno.
    func connected(_ error: Int32) {}
}

/// A connection on a loop, without a notion of messages.
///
/// Reading goes into the loop's shared buffer; only what the handler does not consume is kept. Writing goes straight to
/// the socket; only what that does not take is queued, and whoever feeds the stream asks `isCongested` and stops.
final class ByteStream {
    /// Above this many queued bytes the stream counts as congested; below the lower mark it is drained.
    static let highWater = 128 * 1024
    static let lowWater = 32 * 1024

    let loop: EventLoop
    let descriptor: Int32
    /// Held until the connection is over, so that a session lives as long as its connection. Set once.
    var handler: StreamHandler? { didSet { receiver = handler.map { .passUnretained($0) } } }
    /// The same, not counted. It outlives the event that ends it.
    private var receiver: Unmanaged<StreamHandler>?
    private var readEvent: UnsafeMutablePointer<event>
    private var writeEvent: UnsafeMutablePointer<event>
    private var leftover: [UInt8] = []
    private var queue: [UInt8] = []
    private var queueHead = 0
    private var tls: TLSEngine?
    private var secured: (() -> Void)?
    private var isDelivering = false
    private var wantsMore = false
    private(set) var isReading = false
    private(set) var isOpen = true
    private var isWatchingWrite = false
    private var isEndingAfterFlush = false

    init(loop: EventLoop, descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
        readEvent = .allocate(capacity: 1)
        writeEvent = .allocate(capacity: 1)
        let me = Unmanaged.passUnretained(self).toOpaque()
        event_assign(
            readEvent, loop.base, descriptor, Int16(EV_READ | EV_PERSIST),
            { _, _, stream in
                guard let stream else { return }
                // Held by its handler, which it holds itself; once it has ended, by the loop until the event is over.
                Unmanaged<ByteStream>.fromOpaque(stream)._withUnsafeGuaranteedRef { $0.readable() }
            }, me)
        event_assign(
            writeEvent, loop.base, descriptor, Int16(EV_WRITE | EV_PERSIST),
            { _, _, stream in
                guard let stream else { return }
                Unmanaged<ByteStream>.fromOpaque(stream)._withUnsafeGuaranteedRef { $0.writable() }
            }, me)
    }

    deinit {
        event_del(readEvent)
        event_del(writeEvent)
        readEvent.deallocate()
        writeEvent.deallocate()
        if isOpen { _ = systemClose(descriptor) }
    }

    // MARK: Reading

    /// Reads again. What is left may hold whole messages, for which no event will come: it is offered at the loop's next
    /// turn.
    func resume() {
        guard isOpen, !isReading else { return }
        isReading = true
        event_add(readEvent, nil)
        if isDelivering {
            wantsMore = true
        } else if !leftover.isEmpty {
            event_active(readEvent, Int32(EV_READ), 0)
        }
    }

    /// The same, and offers what is left at once.
    func resumeWithLeftover() {
        guard isOpen else { return }
        if !isReading {
            isReading = true
            event_add(readEvent, nil)
        }
        if isDelivering {
            wantsMore = true
        } else if !leftover.isEmpty {
            consumeLeftover()
        }
    }

    func pause() {
        guard isReading else { return }
        isReading = false
        event_del(readEvent)
    }

    /// Bytes that were taken are offered again, before all others.
    func putBack(_ bytes: [UInt8]) { leftover.insert(contentsOf: bytes, at: 0) }

    private func readable() {
        let buffer = loop.readBuffer
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        guard count > 0 else {
            if count == 0 { return end(.closed) }
            switch errno {
            case EAGAIN, EINTR: if !leftover.isEmpty { consumeLeftover() }
            case let code: end(.failed(code))
            }
            return
        }
        if tls != nil { return readableTLS(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        offer(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// Bytes of the other side that are not encrypted, or not any more.
    private func offer(_ fresh: UnsafeRawBufferPointer) {
        guard leftover.isEmpty else {
            leftover.append(contentsOf: fresh)
            return consumeLeftover()
        }
        let taken = deliver(fresh)
        if taken < fresh.count, isOpen { leftover.append(contentsOf: fresh[taken...]) }
    }

    private func consumeLeftover() {
        // Taken out, so that what happens in between cannot move it.
        var bytes: [UInt8] = []
        swap(&bytes, &leftover)
        let taken = bytes.withUnsafeBytes { deliver($0) }
        guard isOpen, taken < bytes.count else { return }
        if taken > 0 { bytes.removeFirst(taken) }
        leftover = bytes
    }

    /// The handler may be paused and resumed while it takes bytes; then what it left is offered again.
    private func deliver(_ bytes: UnsafeRawBufferPointer) -> Int {
        isDelivering = true
        defer { isDelivering = false }
        var taken = 0
        repeat {
            wantsMore = false
            guard let receiver else { return bytes.count }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            taken += receiver._withUnsafeGuaranteedRef { $0.received(rest) }
        } while wantsMore && isOpen && isReading && taken < bytes.count
        return taken
    }

    // MARK: TLS

    /// From here on everything is encrypted. Nothing is offered to the handler until the handshake is done.
    /// - Parameters:
    ///   - early: encrypted bytes that have been read already.
    ///   - secured: called when it is.
    func secure(_ engine: TLSEngine, early: UnsafeRawBufferPointer? = nil, secured: @escaping () -> Void) {
        tls = engine
        self.secured = secured
        if let early { engine.feed(early) }
        shakeHands(engine)
    }

    var tlsEngine: TLSEngine? { tls }

    private func shakeHands(_ engine: TLSEngine) {
        let step = engine.handshake()
        engine.withOutput { sendPlain($0) }
        switch step {
        case .waiting: break
        case .failed(let reason): end(.insecure(reason))
        case .done:
            let done = secured
            secured = nil
            done?()
            decrypt(engine)
        }
    }

    private func readableTLS(_ bytes: UnsafeRawBufferPointer) {
        guard let tls else { return }
        tls.feed(bytes)
        guard tls.isEstablished else { return shakeHands(tls) }
        decrypt(tls)
    }

    /// Whatever is there is taken out of the engine: it would not say again that it has something.
    private func decrypt(_ engine: TLSEngine) {
        while isOpen {
            switch engine.read(into: loop.plainBuffer) {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: loop.plainBuffer[..<count])
                // The handler may have been paused meanwhile.
                if isReading { offer(bytes) } else { leftover.append(contentsOf: bytes) }
            case .nothing:
                engine.withOutput { sendPlain($0) }
                return
            case .closed: return end(.closed)
            case .failed(let reason): return end(.insecure(reason))
            }
        }
    }

    // MARK: Writing

    var isCongested: Bool { queue.count - queueHead > Self.highWater }
    var hasQueued: Bool { queueHead < queue.count }

    func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    /// Sends at once what the socket takes, and queues the rest.
    func write(_ bytes: UnsafeRawBufferPointer) {
        guard let tls else { return sendPlain(bytes) }
        guard isOpen, !bytes.isEmpty else { return }
        guard tls.write(bytes) else { return end(.insecure(TLSEngine.lastError())) }
        tls.withOutput { sendPlain($0) }
    }

    private func sendPlain(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen, let base = bytes.baseAddress, !bytes.isEmpty else { return }
        var sent = 0
        if !hasQueued && !isWatchingWrite {
            while sent < bytes.count {
                let count = systemSend(descriptor, base + sent, bytes.count - sent)
                if count > 0 {
                    sent += count
                } else if errno != EINTR {
                    guard errno == EAGAIN else { return end(.failed(errno)) }
                    break
                }
            }
        }
        guard sent < bytes.count else { return }
        queue.append(contentsOf: bytes[sent...])
        watchWrite()
    }

    /// Queues without a system call; `flush` sends. For small messages that others follow.
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen else { return }
        guard let tls else { return queue.append(contentsOf: bytes) }
        guard tls.write(bytes) else { return end(.insecure(TLSEngine.lastError())) }
        tls.withOutput { queue.append(contentsOf: $0) }
    }
    func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    func flush() {
        guard isOpen, hasQueued, !isWatchingWrite else { return }
        sendQueue()
    }

    private func watchWrite() {
        guard !isWatchingWrite else { return }
        isWatchingWrite = true
        event_add(writeEvent, nil)
    }

    /// For an outgoing connection: `connected` is called when it stands or has failed.
    func waitForConnection() {
        isConnecting = true
        watchWrite()
    }
    private var isConnecting = false

    private func writable() {
        if isConnecting {
            isConnecting = false
            isWatchingWrite = false
            event_del(writeEvent)
            return handler?.connected(SocketAddress.connectionError(descriptor)) ?? ()
        }
        sendQueue()
    }

    private func sendQueue() {
        let wasCongested = isWatchingWrite
        while hasQueued {
            let count = queue.withUnsafeBytes { all in
                systemSend(descriptor, all.baseAddress.map { $0 + queueHead }, all.count - queueHead)
            }
            if count > 0 {
                queueHead += count
            } else if errno != EINTR {
                guard errno == EAGAIN else { return end(.failed(errno)) }
                watchWrite()
                break
            }
        }
        compactQueue()
        if isEndingAfterFlush, !hasQueued { return end(.ended) }
        if wasCongested, queue.count - queueHead < Self.lowWater { handler?.drained() }
    }

    private func compactQueue() {
        if !hasQueued {
            // An idle connection keeps no buffer.
            if queue.capacity > 4096 { queue = [] } else { queue.removeAll(keepingCapacity: true) }
            queueHead = 0
            if isWatchingWrite {
                isWatchingWrite = false
                event_del(writeEvent)
            }
        } else if queueHead > Self.highWater {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
    }

    // MARK: The end

    /// Closes once what is queued has been sent; nothing is read any more.
    func endAfterFlush() {
        guard isOpen else { return }
        pause()
        if let tls {
            tls.close()
            tls.withOutput { queue.append(contentsOf: $0) }
        }
        guard hasQueued else { return end(.ended) }
        isEndingAfterFlush = true
        flush()
    }

    func end(_ reason: StreamEnd = .ended) {
        guard isOpen else { return }
        isOpen = false
        isReading = false
        event_del(readEvent)
        event_del(writeEvent)
        _ = systemClose(descriptor)
        queue = []
        leftover = []
        // Kept alive until the current event is over: its caller may still use it.
        loop.afterEvent { [self] in
            handler?.finished(reason)
            handler = nil
        }
    }
}

private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Glibc)
        send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
    #else
        send(descriptor, bytes, count, 0)
    #endif
}
