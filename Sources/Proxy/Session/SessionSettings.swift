internal import SQLSyntax

/// What a session has set beyond its startup parameters: names as PostgreSQL stores them, with values.
///
/// A class, so that the usual case (client and server have the very same) is one comparison of pointers.
final class SessionSettings: Equatable {
    let values: [String: String]

    init(_ values: [String: String] = [:]) { self.values = values }

    static let none = [String: String]()

    static func == (left: SessionSettings, right: SessionSettings) -> Bool {
        left === right || left.values == right.values
    }

    /// Statements that bring a session from these settings to others, or nil where there is nothing to do.
    func change(to target: SessionSettings) -> String? {
        guard self != target else { return nil }
        var statements: [String] = []
        // The role last when it is set, first when it is left: it may take away the right to change others.
        let gone = values.keys.filter { target.values[$0] == nil }.sorted(by: Self.order)
        for name in gone.reversed() { statements.append(Self.reset(name)) }
        let changed = target.values.keys.filter { values[$0] != target.values[$0] }.sorted(by: Self.order)
        if changed.contains("session_authorization") || changed.contains("role"), values["role"] != nil {
            statements.insert("RESET role", at: 0)
        }
        if !changed.isEmpty {
            for name in changed {
                statements.append(
                    "SELECT pg_catalog.set_config(\(SQL.literal(name)), \(SQL.literal(target.values[name] ?? "")), false)"
                )
            }
        }
        return statements.joined(separator: "; ")
    }

    private static func order(_ left: String, _ right: String) -> Bool {
        let ranks = ["session_authorization": 1, "role": 2]
        let (first, second) = (ranks[left] ?? 0, ranks[right] ?? 0)
        return first == second ? left < right : first < second
    }

    private static func reset(_ name: String) -> String {
        switch name {
        case "session_authorization": "RESET SESSION AUTHORIZATION"
        default: "RESET \(name.split(separator: ".").map { SQL.identifier(String($0)) }.joined(separator: "."))"
        }
    }
}
