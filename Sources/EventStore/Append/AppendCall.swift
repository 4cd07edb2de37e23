import Foundation
import JSONSchemas
import PostgresDriver

/// One call of `append`: requests of one organisation as parameters, and its rows as their answers.
struct AppendCall {
    private let requests: [AppendRequest]

    init(_ requests: [AppendRequest]) { self.requests = requests }

    /// Places in the statement's rows.
    private enum Column {
        static let (outcome, first, last, streamPosition, at, ids) = (0, 1, 2, 3, 4, 5)
    }

    static func statement(_ schema: EventSchema) -> String {
        """
        SELECT outcome, first_position, last_position, stream_position, (extract(epoch FROM appended_at) * 1000)::bigint AS at, id_list::text[] AS ids
        FROM \(schema.schema).append($1::uuid, $2::integer[], $3::uuid[], $4::bigint[], $5::integer[], $6::varchar[], $7::integer[], $8::integer[], $9::jsonb)
        ORDER BY part
        """
    }

    var parameters: [Parameter] {
        var (numbers, expected, counts, schemas, partOfEvents) = ([Int](), [Int](), [Int](), [Int](), [Int]())
        var (streams, keys) = ([String](), [String?]())
        var events = AppendText()
        for (number, request) in requests.enumerated() {
            for part in request.parts {
                numbers.append(number)
                streams.append(part.stream.text)
                expected.append(part.expected.number)
                counts.append(part.events.count)
                keys.append(request.idempotencyKey)
                schemas.append(part.schemaVersion)
                partOfEvents += Array(repeating: streams.count, count: part.events.count)
                for event in part.events { events.append(event) }
            }
        }
        return [
            .text(requests[0].organization.text), .array(numbers), .array(plain: streams), .array(expected),
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
                switch try row.string(Column.outcome) {
                case "appended", "repeated": parts.append(try appended(part, row))
                case "conflict":
                    refusal = refusal ?? .conflict(stream: part.stream, version: try row.int(Column.streamPosition))
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
            stream: part.stream, ids: try row.textArray(Column.ids).compactMap { UUID(text: $0) },
            positions: try row.int(Column.first)...(try row.int(Column.last)),
            at: Date(timeIntervalSince1970: Double(try row.int(Column.at)) / 1000),
            isRepeated: try row.string(Column.outcome) == "repeated")
    }
}

extension Parameter {
    /// Without a type of its own: the function says which.
    fileprivate static func array(_ values: [Int]) -> Parameter {
        .array(plain: values.map { String($0) })
    }

    /// Of texts without a character that would have to be quoted.
    fileprivate static func array(plain values: [String]) -> Parameter {
        var text = "{"
        for (index, value) in values.enumerated() {
            if index > 0 { text += "," }
            text += value
        }
        return .text(text + "}")
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
