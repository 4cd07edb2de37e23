internal import PostgresWire

extension ClientSession {
    func receivedStartup(_ bytes: UnsafeRawBufferPointer) -> Int {
        // The first byte of a TLS handshake; no startup packet is so long that it begins with it.
        if bytes.first == 0x16, stream.tlsEngine == nil, let engine = worker.clientTLS() {
            stream.secure(engine, early: bytes) { [unowned self] in
                if !engine.isProtocolNamed {
                    violation("received direct SSL connection request without ALPN protocol negotiation extension")
                }
            }
            return bytes.count
        }
        switch StartupPacket.read(bytes) {
        case .needsMore: return 0
        case .invalid(let error):
            violation(Self.message(for: error))
            return bytes.count
        case .packet(let packet, let count):
            switch packet {
            case .sslRequest, .gssEncryptionRequest:
                // Anything behind it was put there by somebody between us.
                guard count == bytes.count else {
                    violation(
                        "received unencrypted data after \(packet == .sslRequest ? "SSL" : "GSSAPI encryption") request"
                    )
                    return bytes.count
                }
                if case .sslRequest = packet, stream.tlsEngine == nil, let engine = worker.clientTLS() {
                    stream.write([UInt8(ascii: "S")])
                    stream.secure(engine) {}
                } else {
                    stream.write([UInt8(ascii: "N")])
                }
            case .cancel(let key):
                // PostgreSQL answers nothing, and closes when the signal has been sent: clients wait for that before they
                // send what must not be hit.
                worker.cancel(key) { [self] in stream.end() }
            case .start(let message): start(message)
            }
            return count
        }
    }

    private static func message(for error: StartupError) -> String {
        switch error {
        case .length: "invalid length of startup packet"
        case .cancelKey: "invalid length of cancel key"
        case .version(let major, let minor):
            "unsupported frontend protocol \(major).\(minor): server supports 3.0 to 3.\(StartupMessage.newestMinor)"
        case .layout: "invalid startup packet layout: expected terminator as last byte"
        case .noUser: "no PostgreSQL user name specified in startup packet"
        }
    }

    private func start(_ message: StartupMessage) {
        if let replication = message["replication"], !["false", "off", "no", "0"].contains(replication.lowercased()) {
            return end(
                with: ErrorFields(
                    code: "0A000", message: "the proxy does not carry replication connections",
                    hint: "Connect to the server itself for replication."))
        }
        if message.minorVersion > StartupMessage.newestMinor || !message.protocolOptions.isEmpty {
            var writer = MessageWriter()
            BackendMessages.negotiateProtocolVersion(
                min(message.minorVersion, StartupMessage.newestMinor), options: message.protocolOptions, to: &writer)
            stream.append(writer.bytes)
        }
        user = message.user
        applicationName = message["application_name"] ?? ""
        protocolMinor = min(message.minorVersion, StartupMessage.newestMinor)
        startup = worker.startupParameters(message)
        if !applicationName.isEmpty {
            initialSettings = worker.initialSettings(applicationName: applicationName)
            settings = initialSettings
        }
        requestedDatabase = message.database
        phase = .authenticating
        guard let method = worker.loginMethod(of: user, from: address) else {
            return end(
                with: ErrorFields(
                    code: "28000", message: "the proxy's rules reject user \"\(user)\" from \(address)",
                    hint: "See routing.auth.rules in the layout."))
        }
        if worker.configuration.requiresTLS || method == .certificate, stream.tlsEngine == nil, address != .unix {
            return end(
                with: ErrorFields(
                    code: "28000", message: "the proxy takes encrypted connections only",
                    hint: "Connect with sslmode=require or better."))
        }
        if method == .certificate { return certified() }
        guard !worker.isToBeLookedUp(user, for: method) else {
            stream.pause()
            return worker.lookUp(self)
        }
        startLogin(method, worker.secret(of: user, for: method))
    }

    /// The database has told about this user. One that it does not have goes through the exchange like any other.
    func lookedUp(_ answer: UserAnswer) {
        guard phase == .authenticating, login == nil, let method = worker.loginMethod(of: user, from: address) else {
            return
        }
        switch answer {
        case .found(let found): startLogin(method, method == .scram ? found.verifier : found.secret)
        case .unknown: startLogin(method, nil)
        case .failed:
            // Why is in the log: strangers need not know how the proxy reaches its database.
            return end(
                with: ErrorFields(
                    code: "58000", message: "the proxy cannot look up users at the moment",
                    hint: "The proxy's log says why; try again later."))
        }
        stream.resume()
    }

    private func startLogin(_ method: LoginMethod, _ secret: UserSecret?) {
        var login = ClientLogin(
            user: user, secret: secret, method: method, endpoint: stream.tlsEngine?.endpoint(isServer: true),
            mockSecret: worker.mockSecret)
        let action = login.start(salt: worker.randomBytes(4))
        self.login = login
        perform(action)
    }

    /// The certificate says who it is; it must be this user.
    private func certified() {
        guard let name = stream.tlsEngine?.peerCommonName else {
            return end(
                with: ErrorFields(code: "28000", message: "connection requires a valid client certificate"))
        }
        guard name == user else {
            return end(
                with: ErrorFields(
                    code: "28000", message: "certificate authentication failed for user \"\(user)\"",
                    detail: "The certificate is \"\(name)\"'s."))
        }
        authenticated()
    }

    func receivedPassword(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch FrameHeader.read(bytes) {
        case .needsMore: return 0
        case .invalid:
            violation("invalid message length")
            return bytes.count
        case .header(let header):
            // Nobody has a longer password (PG_MAX_AUTH_TOKEN_LENGTH); a stranger does not make us hold more.
            guard header.tag == FrontendTag.password, header.bodyCount <= 65_535 else {
                violation("expected password response, got message type \(header.tag)")
                return bytes.count
            }
            guard bytes.count >= header.frameCount else { return 0 }
            guard var login else { return bytes.count }
            let action = login.received(
                UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount..<header.frameCount]))
            self.login = login
            perform(action)
            return header.frameCount
        }
    }

    private func perform(_ action: ClientLogin.Action) {
        switch action {
        case .send(let bytes):
            stream.append(bytes)
            stream.flush()
        case .refused(let error): end(with: error)
        case .accepted(let bytes, let keys):
            stream.append(bytes)
            self.keys = keys
            login = nil
            authenticated()
        }
    }

    private func authenticated() {
        if requestedDatabase == Worker.adminDatabase { return startAdmin() }
        let known: WorkerDatabase?
        do { known = try worker.database(named: requestedDatabase) ?? worker.guest(named: requestedDatabase) } catch {
            return end(
                with: ErrorFields(
                    code: "53300", message: "too many databases that the layout does not list",
                    detail: "The proxy holds \(GuestDatabases.limit) of them at the same time.",
                    hint: "List the database in the layout, or try again when others are not used any more."))
        }
        guard let found = known else {
            return end(with: ErrorFields(code: "3D000", message: "database \"\(requestedDatabase)\" does not exist"))
        }
        database = found
        enter(found)
        if let keys { found.remember(keys: keys, of: user) }
        pathID = found.pathID(for: self)
        applicationTarget = worker.configuration.target(ofApplication: applicationName)
        if let refusal = worker.admit(self) { return end(with: refusal) }
        // Of a guest only its server knows whether it is there.
        if startup?.welcome != nil, !found.limits.isSession, !found.isGuest || found.isProved { return welcome() }
        phase = .waitingForWelcome
        stream.pause()
        if let server = found.pool(node: found.primary, user: user).acquire(for: self) { assigned(server) }
    }

    /// The login is done: what the server would say.
    func welcome() {
        guard let parameters = startup?.welcome else { return }
        var writer = MessageWriter(reserving: 512)
        AuthenticationRequest.ok.write(to: &writer)
        for parameter in parameters {
            var shown = parameter
            if parameter.name == "application_name" { shown.value = applicationName }
            shown.write(to: &writer)
        }
        CancelKey(processID: processID, secret: secret).writeKeyData(to: &writer)
        writer.raw(BackendMessages.readyForQuery(.idle))
        phase = .ready
        stream.append(writer.bytes)
        stream.flush()
        worker.loggedIn(self)
        stream.resume()
    }
}
