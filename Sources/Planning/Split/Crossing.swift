internal import SQLSyntax

/// Statements or transactions of live traffic that would need several databases once every schema is where the layout says.
package struct Crossing: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// One statement that reads on both sides.
        case join
        /// Rows are locked by a statement, or within a transaction, that reads on both sides.
        case locking
        /// One statement that writes one side and reads the other.
        case write
        /// Each statement stays on one side, all of them together do not.
        case transaction
        /// A statement or a transaction that writes both sides.
        case twoSchemaWrite = "two_schema_write"
    }

    package struct Key: Sendable, Hashable {
        package let fingerprint: String
        package let kind: Kind

        package init(_ fingerprint: String, _ kind: Kind) {
            self.fingerprint = fingerprint
            self.kind = kind
        }
    }

    /// One of a transaction's statements.
    package struct Statement: Sendable, Hashable, Codable, CustomStringConvertible {
        package var fingerprint: String
        package var writes: Bool
        package var locks: Bool

        package init(fingerprint: String, writes: Bool = false, locks: Bool = false) {
            self.fingerprint = fingerprint
            self.writes = writes
            self.locks = locks
        }

        /// As it is stored: `4f2a… writes`.
        package var description: String { fingerprint + (writes ? " writes" : "") + (locks ? " locks" : "") }

        package init(_ description: String) {
            let words = description.split(separator: " ").map(String.init)
            self.init(
                fingerprint: words.first ?? "", writes: words.contains("writes"), locks: words.contains("locks"))
        }
    }

    package var fingerprint: String
    package var kind: Kind
    package var count = 1
    /// Seconds since 1970.
    package var firstSeen = 0
    package var lastSeen = 0
    /// Without constants; of a transaction its statements.
    package var example: String
    package var schemas: [String]
    /// `application_name` of the last one.
    package var application = ""
    /// Of a transaction, in their order, each once.
    package var statements: [Statement]

    package init(
        _ fingerprint: String, _ kind: Kind, example: String, schemas: [String], statements: [Statement] = []
    ) {
        self.fingerprint = fingerprint
        self.kind = kind
        self.example = example
        self.schemas = schemas
        self.statements = statements
    }

    package var key: Key { Key(fingerprint, kind) }

    /// The same, counted elsewhere.
    package mutating func add(_ other: Crossing) {
        count += other.count
        firstSeen = min(firstSeen, other.firstSeen)
        if other.lastSeen >= lastSeen { (lastSeen, application) = (other.lastSeen, other.application) }
    }
}

extension Crossing {
    /// Bytes of an example.
    package static let exampleLimit = 1_000

    /// 16 hexadecimal digits, the same on every machine.
    package static func fingerprint(of text: String) -> String {
        var hash = FNV1a128()
        hash.add(text.utf8)
        return String(hash.hexadecimal.suffix(16))
    }

    /// At most so many bytes, cut between characters.
    package static func bounded(_ text: String, to limit: Int = exampleLimit) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        while end > text.startIndex, end.samePosition(in: text) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
