import Foundation
import JSONSchemas
import PostgresDriver

/// One call of `append`: requests of one organisation as parameters, and its rows as their answers.
struct AppendCall {
    private let requests: [AppendRequest]

    init(_ requests: [AppendRequest]) { self.requests = requests }

    static func statement(_ schema: EventSchema) -> String {
        """
        SELECT outcome, first_position, last_position, stream_position, (extract(epoch FROM appended_at) * 1000)::bigint AS at, id_list::text[] AS ids
        FROM \(schema.schema).append($1::uuid, $2::integer[], $3::uuid[], $4::bigint[], $5::integer[], $6::varchar[], $7::integer[], $8::integer[], $9::jsonb)
        ORDER BY part
        """
    }

    var parameters: [Parameter] {
        var (numbers, expected, counts, schemas, partOfEvents) = ([Int](), [Int](), [Int](), [Int](), [Int]())
        var (streams, keys) = ([String?](), [String?]())
        var events = AppendText()
        for (number, request) in requests.enumerated() {
            for part in request.parts {
                numbers.append(number)
                streams.append(part.stream.uuidString)
                expected.append(part.expected.number)
                counts.append(part.events.count)
                keys.append(request.idempotencyKey)
                schemas.append(part.schemaVersion)
                partOfEvents += Array(repeating: streams.count, count: part.events.count)
                for event in part.events { events.append(event) }
            }
        }
        return [
            .text(requests[0].organization.uuidString), .array(numbers), .array(streams), .array(expected),
            .array(counts),
            .array(keys), .array(schemas), .array(partOfEvents), .text(events.finished),
        ]
    }

    /// - Throws: `PostgresError` where a row is not what the function gives.
    func answers(_ rows: Rows) throws -> [Result<[AppendedPart], AppendRefusal>] {
        var number = 0
        return try requests.map { request in
            var parts: [AppendedPart] = []
            var refusal: AppendRefusal?
            for part in request.parts {
                let row = rows[number]
                number += 1
                switch try row.string("outcome") {
                case "appended", "repeated": parts.append(try appended(part, row))
                case "conflict":
                    refusal = refusal ?? .conflict(stream: part.stream, version: try row.int("stream_position"))
                case "key_reused": refusal = refusal ?? .keyReused(stream: part.stream)
                case "no_stream": refusal = refusal ?? .noStream(part.stream)
                case "schema_changed": refusal = refusal ?? .schemaChanged(stream: part.stream)
                default: break
                }
            }
            if let refusal { return .failure(refusal) }
            guard parts.count == request.parts.count else {
                return .failure(.keyReused(stream: request.parts[0].stream))
            }
            return .success(parts)
        }
    }

    private func appended(_ part: AppendPart, _ row: Row) throws -> AppendedPart {
        AppendedPart(
            stream: part.stream, ids: try row.textArray("ids").compactMap { UUID(uuidString: $0) },
            positions: try row.int("first_position")...(try row.int("last_position")),
            at: Date(timeIntervalSince1970: Double(try row.int("at")) / 1000),
            isRepeated: try row.string("outcome") == "repeated")
    }
}

extension Parameter {
    /// Without a type of its own: the function says which.
    fileprivate static func array(_ values: [Int]) -> Parameter {
        .text("{" + values.lazy.map { String($0) }.joined(separator: ",") + "}")
    }

    fileprivate static func array(_ values: [String?]) -> Parameter {
        .text(Parameter.textArray(values).encoded ?? "{}")
    }
}

/// The events of a call as one JSON array. Payloads are in it as they came: nobody writes them anew.
private struct AppendText {
    private var text = "["

    mutating func append(_ event: NewEvent) {
        text += text.utf8.count == 1 ? "[" : ",["
        text += JSONWriter.text(.string(event.type))
        if let key = event.key {
            text += "," + JSONWriter.text(.string(key))
        } else {
            text += ",null"
        }
        text += ","
        text += event.payload
        text += ","
        text += event.metadata
        text += "]"
    }

    var finished: String { text + "]" }
}
