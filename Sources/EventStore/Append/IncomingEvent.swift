package import JSONSchemas

/// An event as producers send it: `{"type": …, "key": …, "payload": …, "metadata": …}`.
package struct IncomingEvent {
    /// Its payload and metadata as they were written.
    package var event: NewEvent
    /// The payload once more, as it is checked.
    package var payload: JSONValue

    /// What of it is wrong.
    package struct Mistake: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Reads the object that a scanner stands before.
    ///
    /// - Parameters:
    ///   - bytes: what the scanner reads.
    ///   - ignored: further members, which say nothing here.
    /// - Throws: `JSONError`, `Mistake`.
    package static func read(
        _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer, ignored: Set<String> = []
    ) throws -> IncomingEvent {
        var event = NewEvent(type: "", payload: "null")
        var payload: JSONValue?
        try scanner.beginObject()
        while let name = try scanner.nextKey() {
            let (value, range) = try scanner.valueWithRange()
            switch (name, value) {
            case ("type", .string(let type)) where (1...200).contains(type.utf8.count): event.type = type
            case ("type", _): throw Mistake(description: "type has to be a text of 1 to 200 bytes")
            case ("key", .string(let key)) where key.utf8.count <= 1_000: event.key = key
            case ("key", .null): break
            case ("key", _): throw Mistake(description: "key has to be a text of at most 1,000 bytes")
            case ("metadata", .object): event.metadata = String(decoding: bytes[range], as: UTF8.self)
            case ("metadata", _): throw Mistake(description: "metadata has to be an object")
            case ("payload", _): (event.payload, payload) = (String(decoding: bytes[range], as: UTF8.self), value)
            case _ where ignored.contains(name): break
            default: throw Mistake(description: "there are type, key, payload and metadata; \"\(name)\" is unknown")
            }
        }
        guard !event.type.isEmpty else { throw Mistake(description: "type is missing") }
        guard let payload else { throw Mistake(description: "payload is missing") }
        return IncomingEvent(event: event, payload: payload)
    }
}
