internal import CLibEvent
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One thread's loop over sockets and timers, on libevent. Everything that belongs to a loop is used on its thread only;
/// from elsewhere there is `EventLoopDoor`.
final class EventLoop {
    /// Bytes that one read takes at most. All connections of the loop share this buffer, so an idle one holds none.
    static let readBytes = 65_536

    let base: OpaquePointer
    let readBuffer: UnsafeMutableRawBufferPointer
    /// What has been decrypted, on its way to a handler.
    let plainBuffer: UnsafeMutableRawBufferPointer
    let door: EventLoopDoor
    private var wakeEvent: UnsafeMutablePointer<event>?
    private var isStopping = false
    /// nil: nobody has asked for it in this turn.
    private var turn: LoopTime?
    /// Run after the current event, so that nothing is torn down below the feet of a caller.
    private var later: [() -> Void] = []

    init() throws(SocketError) {
        guard let base = event_base_new() else { throw SocketError("event_base_new", ENOMEM) }
        self.base = base
        door = try EventLoopDoor()
        readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
        plainBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
        wakeEvent = event_new(
            base, door.readEnd, Int16(EV_READ | EV_PERSIST),
            { _, _, loop in
                guard let loop else { return }
                Unmanaged<EventLoop>.fromOpaque(loop).takeUnretainedValue().takeFromDoor()
            }, Unmanaged.passUnretained(self).toOpaque())
        event_add(wakeEvent, nil)
    }

    deinit {
        if let wakeEvent { event_free(wakeEvent) }
        event_base_free(base)
        readBuffer.deallocate()
        plainBuffer.deallocate()
    }

    /// Until `stop`.
    func run() {
        while !isStopping {
            turn = nil
            _ = event_base_loop(base, EVLOOP_ONCE)
            runLater()
        }
        door.close()
    }

    /// When this turn began to do something. The clock is read once for all events of a turn, a dozen of them under load.
    var now: LoopTime {
        if let turn { return turn }
        let read = LoopTime.current
        turn = read
        return read
    }

    func stop() {
        isStopping = true
        event_base_loopbreak(base)
    }

    func afterEvent(_ work: @escaping () -> Void) { later.append(work) }

    private func runLater() {
        // What is put off while we run comes in the same turn: a bound keeps one turn from lasting for ever.
        for _ in 0..<16 where !later.isEmpty {
            let work = later
            later.removeAll(keepingCapacity: true)
            for item in work { item() }
        }
        if !later.isEmpty { event_base_loopbreak(base) }
    }

    private func takeFromDoor() { for work in door.take() { work(self) } }
}

/// The way into a loop from other threads.
final class EventLoopDoor: Sendable {
    typealias Work = @Sendable (EventLoop) -> Void

    fileprivate let readEnd: Int32
    private let writeEnd: Int32
    private let state = Mutex(State())

    private struct State {
        var work: [Work] = []
        var isOpen = true
    }

    fileprivate init() throws(SocketError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SocketError("pipe", errno) }
        readEnd = ends[0]
        writeEnd = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        _ = systemClose(readEnd)
        _ = systemClose(writeEnd)
    }

    /// - Returns: false where the loop has ended, and the work is not done.
    @discardableResult
    func post(_ work: @escaping Work) -> Bool {
        let (isOpen, isFirst) = state.withLock { state -> (Bool, Bool) in
            guard state.isOpen else { return (false, false) }
            state.work.append(work)
            return (true, state.work.count == 1)
        }
        if isFirst {
            var byte: UInt8 = 1
            _ = systemWrite(writeEnd, &byte, 1)
        }
        return isOpen
    }

    fileprivate func take() -> [Work] {
        var bytes = (UInt64(0), UInt64(0))
        while systemRead(readEnd, &bytes, 16) == 16 {}
        return state.withLock { state in
            defer { state.work.removeAll() }
            return state.work
        }
    }

    fileprivate func close() {
        state.withLock { state in
            state.isOpen = false
            state.work.removeAll()
        }
    }
}

/// One-shot, on a loop. Cancelled when it is released.
final class LoopTimer {
    private var event: UnsafeMutablePointer<event>?
    private let action: () -> Void

    init(on loop: EventLoop, action: @escaping () -> Void) {
        self.action = action
        event = event_new(
            loop.base, -1, 0,
            { _, _, timer in
                guard let timer else { return }
                Unmanaged<LoopTimer>.fromOpaque(timer).takeUnretainedValue().action()
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { if let event { event_free(event) } }

    /// Starts anew where it runs already.
    func start(after duration: Duration) {
        let parts = max(duration, .zero).components
        var time = timeval(
            tv_sec: numericCast(parts.seconds), tv_usec: numericCast(parts.attoseconds / 1_000_000_000_000))
        event_add(event, &time)
    }

    func cancel() { event_del(event) }
}
