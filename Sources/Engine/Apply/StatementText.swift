import SQLSyntax

/// Quoting for the few statements that are sent as text because they must travel together in one round trip.
enum StatementText {
    static func literal(_ text: String) -> String { SQL.literal(text) }
}
