/// A client's wish for a session.
package struct StartupMessage: Equatable, Sendable {
    /// Minor version of protocol 3 that the client asked for; what is above `newestMinor` is negotiated down.
    package var minorVersion: Int
    /// In the order of the packet, without protocol options; a name given twice counts with its last value.
    package var parameters: [Parameter]
    /// Names that begin with `_pq_.`: none is known, each is named in NegotiateProtocolVersion.
    package var protocolOptions: [String]

    package struct Parameter: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// 3.2 is the newest that PostgreSQL 18 speaks; its cancel keys are longer.
    package static let newestMinor = 2

    package init(minorVersion: Int = 0, parameters: [Parameter], protocolOptions: [String] = []) {
        self.minorVersion = minorVersion
        self.parameters = parameters
        self.protocolOptions = protocolOptions
    }

    package subscript(_ name: String) -> String? { parameters.last { $0.name == name }?.value }
    /// Required; `read` refuses a packet without one.
    package var user: String { self["user"] ?? "" }
    /// PostgreSQL's rule: the user's name where none is given.
    package var database: String {
        guard let name = self["database"], !name.isEmpty else { return user }
        return name
    }

    static func read(version: Int32, _ body: UnsafeRawBufferPointer) -> Result<StartupMessage, StartupError> {
        let major = Int(version >> 16)
        let minor = Int(version & 0xFFFF)
        guard major == 3 else { return .failure(.version(major: major, minor: minor)) }
        var message = StartupMessage(minorVersion: minor, parameters: [])
        var cursor = ByteCursor(body)
        while true {
            guard let name = cursor.string() else { return .failure(.layout) }
            if name.isEmpty { break }
            guard let value = cursor.string() else { return .failure(.layout) }
            if name.hasPrefix("_pq_.") {
                message.protocolOptions.append(name)
            } else {
                message.parameters.append(Parameter(name, value))
            }
        }
        guard cursor.isAtEnd else { return .failure(.layout) }
        guard !message.user.isEmpty else { return .failure(.noUser) }
        return .success(message)
    }

    /// The packet as a client sends it.
    package var packet: [UInt8] {
        var writer = MessageWriter()
        writer.lengthPrefixed { body in
            body.int32(3 << 16 | Int32(minorVersion))
            for parameter in parameters where !parameter.name.isEmpty {
                body.string(parameter.name)
                body.string(parameter.value)
            }
            for option in protocolOptions {
                body.string(option)
                body.string("")
            }
            body.byte(0)
        }
        return writer.bytes
    }
}
