import EventStore
import Foundation
import JSONSchemas

/// Events as they come in requests. Payloads go on as they were written; what is read of them is for the schema.
struct EventBody {
    var events: [NewEvent] = []
    var payloads: [JSONValue] = []
    var expected = ExpectedVersion.any
    private let eventBytes: Int

    init(_ limits: ServiceLimits) { eventBytes = limits.eventBytes }

    /// `{"events": [...], "expected_version": ...}` or an array of events.
    static func read(_ bytes: [UInt8], _ limits: ServiceLimits) throws -> EventBody {
        try bytes.withUnsafeBytes { buffer in
            var scanner = JSONScanner(buffer, limits: JSONLimits(bytes: limits.requestBytes))
            var body = EventBody(limits)
            if isArray(buffer) {
                try body.events(&scanner, buffer)
            } else {
                try body.object(&scanner, buffer)
            }
            try scanner.finish()
            return body
        }
    }

    /// One event, a line of NDJSON.
    mutating func add(_ line: [UInt8]) throws {
        try line.withUnsafeBytes { buffer in
            var scanner = JSONScanner(buffer, limits: JSONLimits(bytes: eventBytes))
            try event(&scanner, buffer)
            try scanner.finish()
        }
    }

    private static func isArray(_ buffer: UnsafeRawBufferPointer) -> Bool {
        buffer.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "[")
    }

    private mutating func object(_ scanner: inout JSONScanner, _ buffer: UnsafeRawBufferPointer) throws {
        try scanner.beginObject()
        while let key = try scanner.nextKey() { try member(key, &scanner, buffer) }
    }

    mutating func member(_ key: String, _ scanner: inout JSONScanner, _ buffer: UnsafeRawBufferPointer) throws {
        switch key {
        case "events": try events(&scanner, buffer)
        case "expected_version": expected = try Self.version(try scanner.value())
        default: throw Problem(.invalid, "There are events and expected_version; \"\(key)\" is not known.")
        }
    }

    static func version(_ value: JSONValue) throws -> ExpectedVersion {
        switch value {
        case .string("any"): .any
        case .string("none"): .none
        case .number(let number) where (number.int ?? -1) >= 0: number.int == 0 ? .none : .exact(number.int ?? 0)
        default: throw Problem(.invalid, "expected_version is a position, \"none\" or \"any\".")
        }
    }

    private mutating func events(_ scanner: inout JSONScanner, _ buffer: UnsafeRawBufferPointer) throws {
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard events.count < EventWriter.largestRequest.events else {
                throw Problem(.tooLarge, "A request has at most \(EventWriter.largestRequest.events) events.")
            }
            try event(&scanner, buffer)
        }
    }

    private mutating func event(_ scanner: inout JSONScanner, _ buffer: UnsafeRawBufferPointer) throws {
        let start = scanner.offset
        let found: IncomingEvent
        do {
            found = try IncomingEvent.read(&scanner, buffer)
        } catch let mistake as IncomingEvent.Mistake {
            throw Problem(.invalid, "Event \(events.count): \(mistake).")
        }
        guard scanner.offset - start <= eventBytes else {
            throw Problem(.tooLarge, "Event \(events.count): an event has at most \(eventBytes >> 10) KiB.")
        }
        events.append(found.event)
        payloads.append(found.payload)
    }
}
