internal import PostgresWire

/// Messages that are larger than what a proxy holds: they are passed on as they come, to the primary.
extension ClientSession {
    /// `bytes` begin with `whole` bytes of whole frames, and a frame that is not whole.
    /// - Returns: how many bytes were taken; nil where the client has to wait for a server.
    func dispatchLarge(_ bytes: UnsafeRawBufferPointer, whole: Int) -> Int? {
        if whole > 0 {
            guard dispatch(UnsafeRawBufferPointer(rebasing: bytes[..<whole]), isLarge: true) else { return nil }
            return whole
        }
        guard case .header(let header) = FrameHeader.read(bytes) else { return nil }
        let head = UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...])
        let form: LargeForm
        switch header.tag {
        case FrontendTag.query, FrontendTag.functionCall, FrontendTag.parse: form = .asItIs
        case FrontendTag.bind:
            var cursor = ByteCursor(head)
            guard let portal = cursor.cString(), let statement = cursor.cString() else {
                violation("invalid message format")
                return bytes.count
            }
            form = .bind(Array(portal), Array(statement), namesCount: head.count - cursor.remaining)
        default:
            violation("invalid message length")
            return bytes.count
        }
        // An empty unit that asks for the primary.
        guard dispatch(UnsafeRawBufferPointer(start: bytes.baseAddress, count: 0), isLarge: true) else { return nil }
        guard let server else {
            // Refused: the rest of the message goes nowhere.
            passThrough = header.frameCount
            return 0
        }
        start(header, form, on: server)
        guard case .bind(_, _, let namesCount) = form else {
            passThrough = header.frameCount
            return 0
        }
        passThrough = header.bodyCount - namesCount
        return FrameHeader.byteCount + namesCount
    }

    private enum LargeForm {
        case asItIs
        case bind([UInt8], [UInt8], namesCount: Int)
    }

    private func start(_ header: FrameHeader, _ form: LargeForm, on server: ServerConnection) {
        hasWrittenAnything = true
        switch header.tag {
        case FrontendTag.query:
            if server.queue.isAnswered(.query) { syncsSent &+= 1 }
            server.queue.sent(.query)
            unnamed = nil
            server.unnamedOwner = 0
        case FrontendTag.functionCall:
            if server.queue.isAnswered(.functionCall) { syncsSent &+= 1 }
            server.queue.sent(.functionCall)
        case FrontendTag.parse:
            server.queue.sent(.parse)
            // Its text is not kept, so nobody but this server has it.
            pins.insert(.keepsServer)
            unnamed = nil
            server.unnamedOwner = worker.nextSerial()
        default:
            guard case .bind(let portal, let name, let namesCount) = form else { return }
            bind(header, portal, name, namesCount, on: server)
        }
    }

    private func bind(
        _ header: FrameHeader, _ portal: [UInt8], _ name: [UInt8], _ namesCount: Int, on server: ServerConnection
    ) {
        var writer = MessageWriter(reserving: 128)
        var serverName = name
        if let statement = statements[name] {
            serverName = statement.name
            if !server.statements.use(statement.id) { server.put(statement, isOwn: true, to: &writer) }
        }
        let names = portal + [0] + serverName + [0]
        writer.byte(FrontendTag.bind)
        writer.int32(Int32(4 + names.count + header.bodyCount - namesCount))
        writer.raw(names)
        server.queue.sent(.bind)
        server.stream.write(writer.bytes)
    }
}
