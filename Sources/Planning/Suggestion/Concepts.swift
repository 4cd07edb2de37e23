/// Words that belong to one concern in most systems, whatever keys lead between the tables. Weak evidence, used where the
/// first or the last word of a name is one of them.
struct Concept: Sendable {
    /// The name for a schema.
    var name: String
    /// What the words are about, for a reason.
    var subject: String
    /// Lower case, singular.
    var words: Set<String>

    static let all: [Concept] = [
        Concept(
            name: "auth", subject: "signing in and access rights",
            words: [
                "account", "auth", "login", "password", "session", "token", "credential", "permission", "role", "otp",
                "mfa", "oauth",
            ]),
        Concept(
            name: "billing", subject: "money",
            words: [
                "invoice", "payment", "payout", "billing", "refund", "escrow", "fee", "charge", "subscription", "tax",
                "ledger",
            ]),
        Concept(
            name: "pricing", subject: "prices", words: ["price", "pricing", "quote", "formula", "tariff", "discount"]),
        Concept(name: "notifications", subject: "notifications", words: ["notification", "push"]),
        Concept(
            name: "messaging", subject: "messages", words: ["message", "conversation", "chat", "thread", "inbox"]),
        Concept(name: "feedback", subject: "feedback", words: ["feedback", "review", "rating", "survey", "comment"]),
        Concept(
            name: "facilities", subject: "places", words: ["room", "building", "location", "floor", "site"]),
        Concept(
            name: "config", subject: "configuration",
            words: ["setting", "config", "configuration", "flag", "preference", "parameter"]),
    ]

    func covers(_ nameWords: [String]) -> Bool {
        guard let first = nameWords.first, let last = nameWords.last else { return false }
        return words.contains(first) || words.contains(last)
    }
}

/// Tables that keep a record of what happened.
enum RecordKeeping {
    private static let anywhere: Set<String> = ["audit", "trail", "journal", "changelog"]
    private static let last: Set<String> = ["log", "history", "event", "deletion", "audit"]

    static func isNamedSo(_ words: [String]) -> Bool {
        !anywhere.isDisjoint(with: words) || words.last.map(last.contains) == true
    }

    /// Events of aggregates or streams, each with its number: the shape of an event store.
    static func isEventStore(_ words: [String], columns: [String]) -> Bool {
        guard words.last == "event" else { return false }
        let names = Set(columns.map { NameWords.words($0).joined(separator: "_") })
        return !names.isDisjoint(with: ["aggregate_id", "stream_id", "stream_name", "stream", "aggregate"])
            && !names.isDisjoint(with: [
                "version", "sequence", "position", "revision", "sequence_number", "event_number",
            ])
    }
}
