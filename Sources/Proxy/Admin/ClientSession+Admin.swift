internal import PostgresWire

/// A client of the admin database: simple queries and, for drivers that know nothing else, the extended protocol without
/// parameters.
extension ClientSession {
    /// More than any command; a client does not make us hold more.
    private static let maximumMessage = 65_536

    func startAdmin() {
        guard worker.configuration.administrators.contains(user) || worker.configuration.observers.contains(user) else {
            return end(
                with: ErrorFields(
                    code: "42501", message: "user \"\(user)\" may not use the admin database",
                    hint: "List the user under routing.admins (all commands) or routing.observers (SHOW) in the layout."
                ))
        }
        isCounted = true
        worker.leftLogin(self)
        phase = .admin
        var writer = MessageWriter(reserving: 512)
        AuthenticationRequest.ok.write(to: &writer)
        let parameters = [
            ("server_version", "15.0 (\(AdminReports.version))"), ("client_encoding", "UTF8"),
            ("server_encoding", "UTF8"),
            ("DateStyle", "ISO"), ("TimeZone", "GMT"), ("standard_conforming_strings", "on"), ("is_superuser", "on"),
            ("integer_datetimes", "on"), ("application_name", applicationName),
        ]
        for (name, value) in parameters { ParameterStatus(name: name, value: value).write(to: &writer) }
        CancelKey(processID: processID, secret: secret).writeKeyData(to: &writer)
        writer.raw(BackendMessages.readyForQuery(.idle))
        stream.write(writer.bytes)
        worker.loggedIn(self)
    }

    func receivedAdmin(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while phase == .admin, !isBlocked {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard case .header(let header) = FrameHeader.read(rest) else {
                if case .invalid = FrameHeader.read(rest) { violation("invalid message length") }
                return offset
            }
            guard header.bodyCount <= Self.maximumMessage else {
                violation("invalid message length")
                return bytes.count
            }
            guard rest.count >= header.frameCount else { return offset }
            offset += header.frameCount
            admin(header.tag, UnsafeRawBufferPointer(rebasing: rest[FrameHeader.byteCount..<header.frameCount]))
        }
        return offset
    }

    private func admin(_ tag: UInt8, _ body: UnsafeRawBufferPointer) {
        switch tag {
        case FrontendTag.query:
            guard let text = queryText(body: body) else { return violation("invalid message format") }
            run(String(decoding: text, as: UTF8.self))
        case FrontendTag.terminate: stream.end()
        case FrontendTag.parse, FrontendTag.bind, FrontendTag.describe, FrontendTag.execute, FrontendTag.close:
            guard !isSkippingToSync else { return }
            isSkippingToSync = true
            reply(
                .failure(
                    .init(
                        message: "the admin database takes simple queries only",
                        hint: "Use psql, or switch the driver to the simple query protocol.")), ready: false)
        case FrontendTag.sync:
            isSkippingToSync = false
            stream.write(BackendMessages.readyForQuery(.idle))
        case FrontendTag.flush: break
        default: violation("invalid frontend message type \(tag)")
        }
    }

    private func run(_ text: String) {
        let command: AdminCommand
        switch AdminCommand.parse(text) {
        case .failure(let failure): return reply(.failure(failure))
        case .success(let parsed): command = parsed
        }
        switch command {
        case .empty:
            stream.write(BackendMessages.emptyQueryResponse + BackendMessages.readyForQuery(.idle))
            return
        case .set: return reply(.success(nil), tag: "SET")
        case .show: break
        default:
            guard worker.configuration.administrators.contains(user) else {
                return reply(
                    .failure(
                        .init(message: "user \"\(user)\" may only use SHOW", hint: "List it under routing.admins.")))
            }
        }
        block()
        if command == .reload { return reload() }
        worker.shared.perform(command, for: worker) { [self] outcome, tag in
            reply(outcome, tag: tag)
            unblock()
        }
    }

    private func reload() {
        let (id, door, shared) = (processID, worker.shared.door(of: worker), worker.shared)
        Task {
            let outcome: Result<ReloadOutcome, AdminCommand.Failure>
            do { outcome = .success(try await shared.reload()) } catch {
                outcome = .failure(
                    .init(message: "nothing was reloaded: \(error)", hint: "Correct it and repeat RELOAD."))
            }
            door.post { $0.clients[id]?.reloaded(outcome) }
        }
    }

    private func reloaded(_ outcome: Result<ReloadOutcome, AdminCommand.Failure>) {
        if case .success(let done) = outcome, let notice = done.notice {
            var writer = MessageWriter(reserving: 256)
            ErrorFields(severity: "NOTICE", code: "00000", message: notice).write(
                BackendTag.noticeResponse, to: &writer)
            stream.append(writer.bytes)
        }
        reply(outcome.map { _ in nil }, tag: "RELOAD")
        unblock()
    }

    private func reply(_ outcome: Result<AdminTable?, AdminCommand.Failure>, tag: String = "SHOW", ready: Bool = true) {
        guard phase == .admin else { return }
        var writer = MessageWriter(reserving: 1024)
        switch outcome {
        case .success(let table?): table.write(to: &writer)
        case .success(nil): BackendMessages.commandComplete(tag, to: &writer)
        case .failure(let failure):
            ErrorFields(code: "42601", message: failure.message, hint: failure.hint).write(to: &writer)
        }
        if ready { writer.raw(BackendMessages.readyForQuery(.idle)) }
        stream.write(writer.bytes)
    }
}
