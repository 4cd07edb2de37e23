package import JSONSchemas

/// What of a stream's payloads is encrypted, and for whom.
package struct StreamProtection: Sendable, Hashable {
    /// Where an event says whom it is about.
    package enum Source: Sendable, Hashable, CustomStringConvertible {
        case key
        case payload(JSONPointer)
        case metadata(JSONPointer)

        /// - Parameter text: `key`, `/payload/…` or `/metadata/…`.
        package init?(_ text: String) {
            if text == "key" {
                self = .key
                return
            }
            guard let pointer = JSONPointer(text), pointer.tokens.count >= 2 else { return nil }
            let rest = JSONPointer(tokens: Array(pointer.tokens.dropFirst()))
            switch pointer.tokens[0] {
            case "payload": self = .payload(rest)
            case "metadata": self = .metadata(rest)
            default: return nil
            }
        }

        package var description: String {
            switch self {
            case .key: "key"
            case .payload(let pointer): "/payload\(pointer)"
            case .metadata(let pointer): "/metadata\(pointer)"
            }
        }
    }

    /// 1 to 100 places in the payload, none within another.
    package let members: [JSONPointer]
    package let subject: Source
    /// What a member reads as once its subject is forgotten; at most 4 KiB.
    package let tombstone: JSONValue

    /// - Throws: `Directory.Refusal.invalid`.
    package init(_ members: [JSONPointer], subject: Source, tombstone: JSONValue = .null) throws {
        typealias Refusal = Directory.Refusal
        guard (1...100).contains(members.count) else {
            throw Refusal.invalid("a stream has 1 to 100 encrypted members")
        }
        for (number, member) in members.enumerated() {
            guard member.description.utf8.count <= 1_000 else {
                throw Refusal.invalid("a pointer has at most 1,000 bytes")
            }
            for other in members[(number + 1)...] where Self.isWithin(member, other) || Self.isWithin(other, member) {
                throw Refusal.invalid("\(member) and \(other) are within each other: name the outer one")
            }
            if case .payload(let place) = subject, Self.isWithin(place, member) {
                throw Refusal.invalid(
                    "the subject at /payload\(place) would be encrypted itself: it has to stay readable")
            }
        }
        guard JSONWriter.text(tombstone).utf8.count <= 4_096 else {
            throw Refusal.invalid("a tombstone has at most 4 KiB")
        }
        (self.members, self.subject, self.tombstone) = (members, subject, tombstone)
    }

    private static func isWithin(_ inner: JSONPointer, _ outer: JSONPointer) -> Bool {
        JSONPointer(tokens: Array(inner.tokens.prefix(outer.tokens.count))) == outer
    }

    /// The subject of an event, 1 to 200 bytes; nil: it has none.
    func subject(key: String?, _ payload: JSONValue, _ metadata: JSONValue) -> String? {
        let found: JSONValue? =
            switch subject {
            case .key: key.map { .string($0) }
            case .payload(let pointer): pointer.resolve(in: payload)
            case .metadata(let pointer): pointer.resolve(in: metadata)
            }
        switch found {
        case .string(let text) where (1...200).contains(text.utf8.count): return text
        case .number(let number) where number.text.utf8.count <= 200: return number.text
        default: return nil
        }
    }
}

extension JSONPointer {
    /// The value with another one at this place; as it was where there is no such place.
    func replacing(in value: JSONValue, _ change: (JSONValue) throws -> JSONValue) rethrows -> JSONValue {
        try replacing(tokens[...], in: value, change)
    }

    private func replacing(
        _ rest: ArraySlice<String>, in value: JSONValue, _ change: (JSONValue) throws -> JSONValue
    ) rethrows -> JSONValue {
        guard let token = rest.first else { return try change(value) }
        switch value {
        case .object(let object) where object.contains(token):
            var changed = JSONObject()
            for member in object.members {
                let isHere = JSONPointer(tokens: [member.key]) == JSONPointer(tokens: [token])
                changed.append(
                    member.key, isHere ? try replacing(rest.dropFirst(), in: member.value, change) : member.value)
            }
            return .object(changed)
        case .array(var values):
            guard let index = Int(token), values.indices.contains(index), String(index) == token else { return value }
            values[index] = try replacing(rest.dropFirst(), in: values[index], change)
            return .array(values)
        default: return value
        }
    }
}

extension JSONValue {
    /// With the members of objects in one order, so that what is the same content is the same text.
    var canonical: JSONValue {
        switch self {
        case .array(let values): return .array(values.map(\.canonical))
        case .object(let object):
            var sorted = JSONObject()
            for member in object.members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                sorted.append(member.key, member.value.canonical)
            }
            return .object(sorted)
        default: return self
        }
    }
}
