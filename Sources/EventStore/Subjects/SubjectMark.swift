import Foundation
import JSONSchemas

/// What an event's metadata says of its encrypted members: `{"strata:subject": {"id": …, "key": …, "members": […]}}`, with
/// `tombstone` where that is not null. In the payload each of them is `{"strata:encrypted": "base 64"}`.
struct SubjectMark: Hashable {
    static let name = "strata:subject"
    private static let wrapper = "strata:encrypted"

    var subject: String
    /// Of the subject's key: one that was admitted again has another one.
    var key: UUID
    var members: [JSONPointer]
    var tombstone: JSONValue

    init(_ subject: String, _ key: UUID, _ members: [JSONPointer], tombstone: JSONValue) {
        (self.subject, self.key, self.members, self.tombstone) = (subject, key, members, tombstone)
    }

    /// nil: the metadata has no such mark, or one that nobody here has written.
    init?(_ metadata: String) {
        guard Self.mayBeIn(metadata),
            let parsed = try? JSONParser.parse(metadata, limits: SubjectVault.limits), let mark = parsed[Self.name],
            case .string(let subject)? = mark["id"], case .string(let key)? = mark["key"],
            let key = UUID(uuidString: key), case .array(let places)? = mark["members"]
        else { return nil }
        var members: [JSONPointer] = []
        for place in places {
            guard case .string(let text) = place, let pointer = JSONPointer(text) else { return nil }
            members.append(pointer)
        }
        self.init(subject, key, members, tombstone: mark["tombstone"] ?? .null)
    }

    /// Most events have none: they are not parsed for it.
    static func mayBeIn(_ metadata: String) -> Bool {
        let size = name.utf8.count
        guard metadata.utf8.count > size else { return false }
        var text = metadata
        return text.withUTF8 { bytes in
            (0...(bytes.count - size)).contains { start in
                bytes[start] == 0x73 && bytes[start..<(start + size)].elementsEqual(name.utf8)
            }
        }
    }

    var value: JSONValue {
        var mark = JSONObject()
        mark.append("id", .string(subject))
        mark.append("key", .string(key.uuidString.lowercased()))
        mark.append("members", .array(members.map { .string($0.description) }))
        if tombstone != .null { mark.append("tombstone", tombstone) }
        return .object(mark)
    }

    static func wrapped(_ sealed: [UInt8]) -> JSONValue {
        var object = JSONObject()
        object.append(wrapper, .string(Data(sealed).base64EncodedString()))
        return .object(object)
    }

    /// nil: it is none of ours.
    static func sealed(_ value: JSONValue) -> [UInt8]? {
        guard case .object(let object) = value, object.count == 1, case .string(let text)? = object[wrapper],
            let data = Data(base64Encoded: text)
        else { return nil }
        return Array(data)
    }
}
