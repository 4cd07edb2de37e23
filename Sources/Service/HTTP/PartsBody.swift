import JSONSchemas

/// Events for several streams.
enum PartsBody {
    struct Part {
        /// By name or id.
        var stream: String
        var body: EventBody
    }

    static func read(_ bytes: [UInt8], _ limits: ServiceLimits) throws -> [Part] {
        try bytes.withUnsafeBytes { buffer in
            var scanner = JSONScanner(buffer, limits: JSONLimits(bytes: limits.requestBytes))
            var parts: [Part] = []
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                guard key == "parts" else { throw Problem(.invalid, "There is parts; \"\(key)\" is not known.") }
                try scanner.beginArray()
                while try scanner.nextElement() {
                    guard parts.count < 100 else { throw Problem(.tooLarge, "A request has at most 100 streams.") }
                    parts.append(try part(&scanner, buffer, limits))
                }
            }
            try scanner.finish()
            return parts
        }
    }

    private static func part(
        _ scanner: inout JSONScanner, _ buffer: UnsafeRawBufferPointer, _ limits: ServiceLimits
    ) throws -> Part {
        var stream: String?
        var body = EventBody(limits)
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            if key == "stream" {
                guard case .string(let name) = try scanner.value() else {
                    throw Problem(.invalid, "stream is a name or an id.")
                }
                stream = name
            } else {
                try body.member(key, &scanner, buffer)
            }
        }
        guard let stream else { throw Problem(.invalid, "A part has a stream.") }
        return Part(stream: stream, body: body)
    }
}
