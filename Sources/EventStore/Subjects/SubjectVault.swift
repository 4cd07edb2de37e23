import Foundation
import JSONSchemas
import PostgresDriver

/// Encrypts and decrypts members of payloads with the keys of their subjects.
///
/// Keys are asked for with each call, and kept by nobody: a subject that is forgotten is so for all who read afterwards.
struct SubjectVault: Sendable {
    /// Beyond what the service takes: PostgreSQL writes some numbers longer than they came.
    static let limits = JSONLimits(depth: 256, bytes: 1 << 30, numberCharacters: 200_000, exponent: 10_000)

    private let schema: EventSchema
    private let pool: ConnectionPool
    private let access: SubjectAccess

    init(_ schema: EventSchema, _ pool: ConnectionPool, _ access: SubjectAccess) {
        (self.schema, self.pool, self.access) = (schema, pool, access)
    }

    private struct SubjectKey {
        var id: UUID
        var bytes: [UInt8]

        /// For texts, and for what nonces are made of.
        func derived() throws -> (text: [UInt8], nonce: [UInt8]) {
            (try SubjectCipher.code(bytes, ["text"]), try SubjectCipher.code(bytes, ["nonce"]))
        }
    }

    // MARK: Reading

    /// The events with their members as they were appended, or with tombstones where the subject is forgotten.
    ///
    /// - Throws: `EventStoreProblem` where a member is encrypted and the master key is not here.
    func opened(_ events: [StoredEvent], of organization: UUID) async throws -> [StoredEvent] {
        if case .asStored = access { return events }
        let marks = events.map { SubjectMark($0.metadata) }
        let subjects = Set(marks.compactMap { $0?.subject })
        guard !subjects.isEmpty else { return events }
        let wrapped = try await wrappedKeys(Array(subjects), of: organization)
        var keys: [String: SubjectKey] = [:]
        if !wrapped.isEmpty {
            let masters = try masters("events have members that are encrypted for their subjects")
            for (subject, key) in wrapped { keys[subject] = try Self.unwrap(key, subject, organization, masters) }
        }
        return try zip(events, marks).map { event, mark in
            guard let mark else { return event }
            return try open(event, mark, keys[mark.subject], organization)
        }
    }

    private func open(
        _ event: StoredEvent, _ mark: SubjectMark, _ key: SubjectKey?, _ organization: UUID
    ) throws -> StoredEvent {
        var payload = try JSONParser.parse(event.payload, limits: Self.limits)
        // A subject that was admitted again has another key: what was encrypted before stays forgotten.
        let text = try key.flatMap { $0.id == mark.key ? try $0.derived().text : nil }
        for member in mark.members {
            payload = try member.replacing(in: payload) { value in
                guard let sealed = SubjectMark.sealed(value) else { return value }
                guard let text else { return mark.tombstone }
                let place = Self.place(organization, mark.subject, mark.key, member)
                // What was not sealed for this place was put there by somebody else: it is given as it is.
                guard let bytes = try SubjectCipher.open(sealed, text, place: place) else { return value }
                return try JSONParser.parse(bytes, limits: Self.limits)
            }
        }
        var opened = event
        opened.payload = JSONWriter.text(payload)
        return opened
    }

    // MARK: Writing

    /// The events of a part with what its stream has encrypted.
    ///
    /// A request with an idempotency key has the same bytes each time, so that a repetition is known as one: the nonce is then
    /// made of the key and the text. Without, it is made by chance, and equal texts do not look equal.
    func protect(
        _ part: AppendPart, _ payloads: [JSONValue], _ protection: StreamProtection, of organization: UUID,
        idempotencyKey: String?
    ) async throws -> AppendPart {
        var marked: [(index: Int, subject: String, members: [JSONPointer], metadata: JSONObject)] = []
        for (index, payload) in payloads.enumerated() {
            let members = protection.members.filter { $0.resolve(in: payload) != nil }
            guard !members.isEmpty else { continue }
            let event = part.events[index]
            guard case .object(let metadata) = try JSONParser.parse(event.metadata, limits: Self.limits) else {
                throw AppendRefusal.invalid("event \(index + 1): metadata has to be an object")
            }
            guard !metadata.contains(SubjectMark.name) else {
                throw AppendRefusal.invalid("event \(index + 1): metadata must not have \(SubjectMark.name)")
            }
            guard let subject = protection.subject(key: event.key, payload, .object(metadata)) else {
                throw AppendRefusal.invalid(
                    "event \(index + 1) has \(members[0]), which its stream encrypts, and no subject of 1 to 200 bytes at \(protection.subject)"
                )
            }
            marked.append((index, subject, members, metadata))
        }
        guard !marked.isEmpty else { return part }
        let keys = try await keysForWriting(Set(marked.map(\.subject)), of: organization)
        var protected = part
        for entry in marked {
            guard let key = keys[entry.subject] else { throw AppendRefusal.invalid("no key for a subject") }
            let derived = try key.derived()
            var payload = payloads[entry.index]
            for member in entry.members {
                payload = try member.replacing(in: payload) { value in
                    let text = JSONWriter.text(value.canonical)
                    let nonce = try idempotencyKey.map {
                        try SubjectCipher.code(
                            derived.nonce,
                            [$0, part.stream.uuidString, String(entry.index), member.description, text])
                    }
                    return SubjectMark.wrapped(
                        try SubjectCipher.seal(
                            Array(text.utf8), derived.text, nonce: nonce.map { Array($0.prefix(12)) },
                            place: Self.place(organization, entry.subject, key.id, member)))
                }
            }
            var metadata = entry.metadata
            let mark = SubjectMark(entry.subject, key.id, entry.members, tombstone: protection.tombstone)
            metadata.append(SubjectMark.name, mark.value)
            protected.events[entry.index].payload = JSONWriter.text(payload)
            protected.events[entry.index].metadata = JSONWriter.text(.object(metadata))
        }
        return protected
    }

    private static func place(_ organization: UUID, _ subject: String, _ key: UUID, _ member: JSONPointer) -> [String] {
        ["member", organization.uuidString, subject, key.uuidString, member.description]
    }

    // MARK: Keys

    private struct WrappedKey {
        var id: UUID
        var master: String
        var bytes: [UInt8]
    }

    /// - Parameter what: needs them, for the message.
    private func masters(_ what: String) throws -> MasterKeys {
        switch access {
        case .keys(let keys): return keys
        case .unavailable(var problem):
            problem.message = "\(what), and \(problem.message)"
            throw problem
        case .asStored:
            throw EventStoreProblem("master-key", "\(what), and this process neither encrypts nor decrypts them")
        }
    }

    private static func unwrap(
        _ wrapped: WrappedKey, _ subject: String, _ organization: UUID, _ masters: MasterKeys
    ) throws -> SubjectKey {
        guard let master = masters.named(wrapped.master) else {
            throw EventStoreProblem(
                "master-key", "a subject's key is wrapped by master key \(wrapped.master), which is not here",
                next: "set \(MasterKeys.variable) to it, or \(MasterKeys.variable)_PREVIOUS while you change to another"
            )
        }
        let place = keyPlace(organization, subject, wrapped.id)
        guard let bytes = try SubjectCipher.open(wrapped.bytes, master.bytes, place: place) else {
            throw EventStoreProblem(
                "master-key", "a subject's key was changed in the database: \(master) does not open it",
                next: "take its row of subject_keys from a backup")
        }
        return SubjectKey(id: wrapped.id, bytes: bytes)
    }

    private static func keyPlace(_ organization: UUID, _ subject: String, _ id: UUID) -> [String] {
        ["key", organization.uuidString, subject, id.uuidString]
    }

    private static let keyColumns =
        "of_subject AS subject, id::text AS id, master_id AS master, wrapped_key AS wrapped"

    private func wrappedKeys(_ subjects: [String], of organization: UUID) async throws -> [String: WrappedKey] {
        try await keys(
            "SELECT \(Self.keyColumns) FROM \(schema.schema).subject_keys_of($1::uuid, $2::varchar[])",
            [.id(organization), .textArray(subjects)])
    }

    private func keys(_ statement: String, _ parameters: [Parameter]) async throws -> [String: WrappedKey] {
        var found: [String: WrappedKey] = [:]
        for row in try await pool.withConnection({ try await $0.query(statement, parameters) }) {
            found[try row.string("subject")] = WrappedKey(
                id: try row.id(), master: try row.string("master"), bytes: try row.bytes("wrapped"))
        }
        return found
    }

    private func keysForWriting(_ subjects: Set<String>, of organization: UUID) async throws -> [String: SubjectKey] {
        let masters = try masters("the stream encrypts members of its payloads")
        var known = try await wrappedKeys(Array(subjects), of: organization)
        let missing = subjects.filter { known[$0] == nil }.sorted()
        if !missing.isEmpty {
            let new = try missing.map { subject in
                let id = UUID()
                let wrapped = try SubjectCipher.seal(
                    try Secrets.random(32), masters.current.bytes, place: Self.keyPlace(organization, subject, id))
                return (id: id.uuidString, wrapped: Secrets.hex(wrapped))
            }
            do {
                let made = try await keys(
                    "SELECT \(Self.keyColumns) FROM \(schema.schema).make_subject_keys($1::uuid, $2::varchar[], $3::uuid[], $4::varchar, $5::text[])",
                    [
                        .id(organization), .textArray(missing), .text("{" + new.map(\.id).joined(separator: ",") + "}"),
                        .text(masters.current.id), .textArray(new.map(\.wrapped)),
                    ])
                known.merge(made) { $1 }
            } catch let error as PostgresError where error.sqlState == "EV410" {
                throw EventStoreProblem(
                    "forgotten",
                    "subject \(error.detail ?? "") was forgotten: nothing more is encrypted for it; nothing was appended",
                    next: "strata events subject readmit admits it again, with a new key")
            }
        }
        var unwrapped: [String: SubjectKey] = [:]
        for (subject, key) in known { unwrapped[subject] = try Self.unwrap(key, subject, organization, masters) }
        return unwrapped
    }

    // MARK: Another master key

    /// Wraps keys anew that are wrapped by a previous master key, in batches, each by compare and set.
    ///
    /// - Returns: how many were.
    func rewrap(of organization: UUID, _ within: (String, [Parameter]) async throws -> Rows) async throws -> Int {
        let masters = try masters("keys of subjects are to be wrapped anew")
        var (done, after) = (0, "")
        while true {
            let rows = try await within(
                """
                SELECT subject, key_id::text AS id, master, wrapped FROM \(schema.schema).subject_keys
                WHERE org_id = $1::uuid AND master <> $2 AND subject > $3 ORDER BY subject LIMIT 500
                """, [.id(organization), .text(masters.current.id), .text(after)])
            if rows.isEmpty { return done }
            for row in rows {
                let subject = try row.string("subject")
                let old = WrappedKey(
                    id: try row.id(), master: try row.string("master"), bytes: try row.bytes("wrapped"))
                let key = try Self.unwrap(old, subject, organization, masters)
                let new = try SubjectCipher.seal(
                    key.bytes, masters.current.bytes, place: Self.keyPlace(organization, subject, old.id))
                done += try await within(
                    "UPDATE \(schema.schema).subject_keys SET master = $3, wrapped = $4 WHERE key_id = $1::uuid AND master = $2 RETURNING 1",
                    [.id(old.id), .text(old.master), .text(masters.current.id), .bytes(new)]
                ).count
                after = subject
            }
        }
    }
}
