internal import PostgresWire

/// A unit of the extended protocol on its way to a server: statements have one name per text there, are put there when
/// they are missing, and an unnamed one follows its client. What needs no change goes in runs.
struct UnitRewriter {
    let client: ClientSession
    let server: ServerConnection
    let unit: UnsafeRawBufferPointer
    /// What has been written in another form; `unit[run...]` follows it unchanged.
    var output: MessageWriter
    private let isOwned: Bool
    private var run = 0
    private var offset = 0

    init(
        client: ClientSession, server: ServerConnection, unit: UnsafeRawBufferPointer, scratch: consuming MessageWriter
    ) {
        self.client = client
        self.server = server
        self.unit = unit
        output = scratch
        isOwned = server.pool.limits.isSession
    }

    /// Taken out, so that nobody else holds it: to be emptied, it would be copied.
    mutating func takeOutput() -> MessageWriter {
        var taken = MessageWriter()
        swap(&taken, &output)
        return taken
    }

    /// - Returns: false where the unit goes as it is, and `output` is empty.
    mutating func rewrite() -> Bool {
        while offset < unit.count {
            guard case .header(let header) = FrameHeader.read(UnsafeRawBufferPointer(rebasing: unit[offset...])) else {
                break
            }
            let end = offset + header.frameCount
            let body = UnsafeRawBufferPointer(rebasing: unit[(offset + FrameHeader.byteCount)..<end])
            if handle(header.tag, body) { run = end }
            offset = end
        }
        guard run > 0 || !output.bytes.isEmpty else { return false }
        flushRun()
        return true
    }

    /// What stands before this frame goes before anything that is put in.
    private mutating func flushRun() {
        if run < offset { output.raw(UnsafeRawBufferPointer(rebasing: unit[run..<offset])) }
        run = offset
    }

    /// - Returns: true where the frame was written in another form, or is not sent at all.
    @inline(__always)
    private mutating func handle(_ tag: UInt8, _ body: UnsafeRawBufferPointer) -> Bool {
        switch tag {
        case FrontendTag.sync:
            if server.queue.isAnswered(.sync) { client.syncsSent &+= 1 }
            server.queue.sent(.sync)
        case FrontendTag.execute: server.queue.sent(.execute)
        case FrontendTag.flush: break
        case FrontendTag.query: return query(body)
        case FrontendTag.functionCall:
            if server.queue.isAnswered(.functionCall) { client.syncsSent &+= 1 }
            server.queue.sent(.functionCall)
        // Behind an error the server reads nothing up to Sync: neither do names change.
        case _ where server.queue.isSkipping: break
        // The server is this client's alone: names are its own there.
        case FrontendTag.parse where isOwned: server.queue.sent(.parse)
        case FrontendTag.bind where isOwned: server.queue.sent(.bind)
        case FrontendTag.describe where isOwned: server.queue.sent(.describe)
        case FrontendTag.close where isOwned: server.queue.sent(.close)
        case FrontendTag.parse: return parse(body)
        case FrontendTag.bind: return bind(body)
        case FrontendTag.describe: return describe(body)
        case FrontendTag.close: return close(body)
        default: break
        }
        return false
    }

    /// Behind other messages, without Sync.
    private mutating func query(_ body: UnsafeRawBufferPointer) -> Bool {
        let text = UnsafeRawBufferPointer(rebasing: body.dropLast())
        let changed =
            isOwned || server.queue.isSkipping
            ? nil : client.renamed(text, { place($0, isRun: $1) }, before: { flushRun() })
        if changed != nil { client.deallocate(Array(text)) }
        if server.queue.isAnswered(.query) {
            client.syncsSent &+= 1
            client.unnamed = nil
            server.unnamedOwner = 0
        }
        server.queue.sent(.query)
        guard let changed else { return false }
        output.message(FrontendTag.query) { body in
            body.raw(changed)
            body.byte(0)
        }
        return true
    }

    private mutating func parse(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let message = ParseMessage(body: body) else { return false }
        guard !message.name.isEmpty else {
            let serial = client.worker.nextSerial()
            client.keepUnnamed(message, serial)
            server.unnamedOwner = serial
            return unnamedParse(message)
        }
        let name = Array(message.name)
        if client.statements[name] != nil { return duplicate(name, message) }
        let statement = client.worker.registry.take(query: message.query, parameterTypes: message.parameterTypes)
        client.statements[name] = statement
        client.announced.append(.init(.parse, name, statement, sync: client.syncsSent))
        if server.statements.use(statement.id) {
            flushRun()
            // PostgreSQL prepares nothing in a transaction that has failed, and says so.
            if server.queue.transaction == .failed { return prepareAgain(message) }
            if server.queue.sent(.localParse) {
                for reply in server.queue.takeReplies() { client.replyLocally(reply) }
            }
            return true
        }
        flushRun()
        server.put(statement, isOwn: false, to: &output)
        return true
    }

    /// Under the client's own name, which no server has; only what ends the transaction gets through.
    private mutating func prepareAgain(_ message: ParseMessage) -> Bool {
        ParseMessage.write(
            name: message.name, query: message.query, parameterTypes: message.parameterTypes, to: &output)
        server.queue.sent(.parse)
        server.strayNames.append(Array(message.name))
        return true
    }

    /// One that names a statement of the protocol in SQL (EXECUTE, DEALLOCATE) says the name that the server knows.
    private mutating func unnamedParse(_ message: ParseMessage) -> Bool {
        guard let changed = client.renamed(message.query, { place($0, isRun: $1) }, before: { flushRun() }) else {
            server.queue.sent(.parse, statement: ResponseQueue.unnamed)
            return false
        }
        client.unnamed?.namesOthers = true
        ParseMessage.write(name: "".utf8, query: changed, parameterTypes: message.parameterTypes, to: &output)
        server.queue.sent(.parse, statement: ResponseQueue.unnamed)
        return true
    }

    /// The name is taken. PostgreSQL itself is to say so, in its words and with what follows for the transaction: it
    /// gets the first statement under the client's own name, and then this one.
    private mutating func duplicate(_ name: [UInt8], _ message: ParseMessage) -> Bool {
        closeStray(message.name)
        flushRun()
        ParseMessage.write(name: name, query: "".utf8, parameterTypes: [0, 0], to: &output)
        server.queue.sent(.parse, own: true)
        server.strayNames.append(name)
        server.queue.sent(.parse)
        ParseMessage.write(
            name: message.name, query: message.query, parameterTypes: message.parameterTypes, to: &output)
        return true
    }

    private mutating func bind(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let message = BindMessage(body: body) else { return false }
        guard !message.statement.isEmpty else {
            placeUnnamed()
            if let unnamed = client.unnamed, unnamed.namesOthers { client.deallocate(unnamed.query) }
            server.queue.sent(.bind)
            return false
        }
        guard let statement = client.statement(named: message.statement) else {
            // Unknown: the server says so in its own words.
            closeStray(message.statement)
            server.queue.sent(.bind)
            return false
        }
        flushRun()
        let resolved = place(resolving: statement, as: message.statement, isRun: true)
        output.message(FrontendTag.bind) { body in
            body.raw(message.portal)
            body.byte(0)
            body.raw(resolved.name)
            body.byte(0)
            body.raw(message.rest)
        }
        server.queue.sent(.bind)
        return true
    }

    private mutating func describe(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let target = NamedTarget(body: body) else { return false }
        guard target.isStatement else {
            server.queue.sent(.describe)
            return false
        }
        guard let statement = client.statements[Array(target.name)] else {
            if target.name.isEmpty { placeUnnamed() } else { closeStray(target.name) }
            server.queue.sent(.describe)
            return false
        }
        flushRun()
        let resolved = place(resolving: statement, as: target.name, isRun: false)
        resolved.writeDescribe(to: &output)
        if resolved === statement {
            client.describing.append(statement)
            server.queue.sent(.describe, statement: statement.id)
        } else {
            server.queue.sent(.describe)
        }
        return true
    }

    private mutating func close(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let target = NamedTarget(body: body), target.isStatement else {
            server.queue.sent(.close)
            return false
        }
        guard !target.name.isEmpty else {
            client.unnamed = nil
            server.unnamedOwner = 0
            server.queue.sent(.close)
            return false
        }
        guard let statement = client.statements.removeValue(forKey: Array(target.name)) else {
            server.queue.sent(.close)
            return false
        }
        client.announced.append(.init(.close, Array(target.name), statement, sync: client.syncsSent))
        // It stays on the server for the next one who has this text.
        flushRun()
        if server.queue.sent(.localClose) { for reply in server.queue.takeReplies() { client.replyLocally(reply) } }
        return true
    }

    // MARK: What is put in

    /// - Parameter isRun: false where a text only needs its name.
    private mutating func place(_ statement: NamedStatement, isRun: Bool = true) {
        guard !server.statements.use(statement.id) else { return }
        if isRun {
            server.put(statement, isOwn: true, to: &output)
        } else {
            server.putPlaceholder(statement, to: &output)
        }
    }

    /// One whose text names another statement (EXECUTE, DEALLOCATE) is another text on the servers, where that one has
    /// another name; what it names is looked up now, as PostgreSQL does.
    private mutating func place(
        resolving statement: NamedStatement, as name: UnsafeRawBufferPointer, isRun: Bool
    ) -> NamedStatement {
        var resolved = statement
        if client.namesOthers(statement),
            let changed = statement.query.withUnsafeBytes({ client.renamed($0, { place($0, isRun: $1) }, before: {}) })
        {
            resolved = changed.withUnsafeBytes { text in
                statement.parameterTypes.withUnsafeBytes {
                    client.worker.registry.take(query: text, parameterTypes: $0)
                }
            }
            client.worker.registry.release(resolved)
            // For errors that name it.
            client.resolvedStatements[Array(name)] = resolved
            if isRun { client.deallocate(statement.query) }
        }
        place(resolved)
        return resolved
    }

    /// A name that its client has given back may still be on the server (`duplicate`).
    private mutating func closeStray(_ name: UnsafeRawBufferPointer) {
        guard server.strayNames.contains(where: { name.elementsEqual($0) }) else { return }
        flushRun()
        NamedStatement.writeClose(Array(name), to: &output)
        server.queue.sent(.close, own: true)
    }

    /// The unnamed statement of this client, where the server has another's or none.
    private mutating func placeUnnamed() {
        guard let unnamed = client.unnamed else {
            guard server.unnamedOwner != 0 else { return }
            flushRun()
            output.message(FrontendTag.close) { body in
                body.byte(NamedTarget.Kind.statement.rawValue)
                body.byte(0)
            }
            server.queue.sent(.close, own: true)
            server.unnamedOwner = 0
            return
        }
        guard unnamed.serial != server.unnamedOwner else { return }
        flushRun()
        let query =
            unnamed.query.withUnsafeBytes { client.renamed($0, { place($0, isRun: $1) }, before: {}) } ?? unnamed.query
        ParseMessage.write(name: "".utf8, query: query, parameterTypes: unnamed.parameterTypes, to: &output)
        server.queue.sent(.parse, own: true, statement: ResponseQueue.unnamed)
        server.unnamedOwner = unnamed.serial
    }
}
