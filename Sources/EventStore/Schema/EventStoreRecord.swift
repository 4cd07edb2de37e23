/// What a database says of its event store: its version, and of each part the fingerprint of the statements that made it.
///
/// It is the comment of the schema: whoever can connect may read it, a dump carries it, and it changes in the transaction that
/// changes the part. `strata: event store, version 1; parts append=1f0c… export=…`; what was made before there were versions
/// says `strata: event store`.
package struct EventStoreRecord: Sendable, Hashable {
    /// What says that a schema is an event store's.
    static let mark = "strata: event store"

    /// nil: it is not finished, or was made before there were versions.
    package var version: Int?
    /// By key.
    package var parts: [String: String] = [:]

    package init() {}

    /// nil: the comment is not an event store's. What a newer release has added to it is passed by.
    package init?(_ comment: String?) {
        guard let comment, comment.hasPrefix(Self.mark) else { return nil }
        let rest = comment.dropFirst(Self.mark.count)
        guard rest.isEmpty || rest.hasPrefix(",") || rest.hasPrefix(";") else { return nil }
        for section in rest.split(separator: ";") {
            let words = section.split(whereSeparator: { $0 == " " || $0 == "," })
            if words.count >= 2, words[0] == "version" { version = Int(words[1]) }
            guard words.first == "parts" else { continue }
            for word in words.dropFirst() {
                let pair = word.split(separator: "=", maxSplits: 1)
                if pair.count == 2 { parts[String(pair[0])] = String(pair[1]) }
            }
        }
    }

    package var text: String {
        Self.mark + (version.map { ", version \($0)" } ?? "")
            + (parts.isEmpty
                ? ""
                : "; parts " + parts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
    }
}
