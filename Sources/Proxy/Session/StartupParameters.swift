internal import PostgresWire

/// The startup parameters that clients of one kind share. A server connection is opened with them, so that RESET, SHOW and
/// `pg_settings.reset_val` say there what they would say without a proxy; it serves clients with the same ones.
///
/// `application_name` is not among them: each service has one of its own, and servers would serve only one of them. It is
/// set like any other setting when a server changes hands.
final class StartupParameters: Hashable {
    let parameters: [StartupMessage.Parameter]
    /// What a server with these reported when it was last logged in to: what a new client is told.
    var welcome: [ParameterStatus]?

    init(_ message: StartupMessage) {
        var seen: [String: String] = [:]
        for parameter in message.parameters { seen[parameter.name] = parameter.value }
        for name in ["user", "database", "application_name", "replication"] { seen[name] = nil }
        parameters = seen.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }
    }

    subscript(_ name: String) -> String? { parameters.first { $0.name.lowercased() == name }?.value }

    static func == (left: StartupParameters, right: StartupParameters) -> Bool { left.parameters == right.parameters }

    func hash(into hasher: inout Hasher) {
        for parameter in parameters {
            hasher.combine(parameter.name)
            hasher.combine(parameter.value)
        }
    }
}
