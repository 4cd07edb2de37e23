package import Foundation
import JSONSchemas

/// One event as a line of JSON: what exports and archives are made of.
///
/// Members, all of them always there: `position`, `id`, `organization` (id), `stream_id`, `stream` (name), `type`, `key` (null
/// for none), `created_at` (UTC, milliseconds), `payload`, `metadata`.
enum EventLine {
    static func append(_ event: StoredEvent, _ place: Place, to bytes: inout [UInt8]) {
        bytes += "{\"position\":\(event.position),\"id\":\"\(event.id.uuidString.lowercased())\"".utf8
        bytes += place.text.utf8
        bytes += ",\"type\":".utf8
        bytes += JSONWriter.text(.string(event.type)).utf8
        bytes += ",\"key\":".utf8
        bytes += (event.key.map { JSONWriter.text(.string($0)) } ?? "null").utf8
        bytes += ",\"created_at\":\"\(UTCText.text(event.at))\",\"payload\":".utf8
        bytes += event.payload.utf8
        bytes += ",\"metadata\":".utf8
        bytes += event.metadata.utf8
        bytes += "}\n".utf8
    }

    /// What all events of a stream have in common, written once.
    struct Place {
        fileprivate let text: String

        init(organization: UUID, stream: UUID, name: String) {
            text =
                ",\"organization\":\"\(organization.uuidString.lowercased())\",\"stream_id\":\"\(stream.uuidString.lowercased())\",\"stream\":"
                + JSONWriter.text(.string(name))
        }
    }

    /// The same from the database, as one column of `e` (of `events` or one of its partitions). No control character is in
    /// it: JSON has them escaped.
    static func column(_ schema: String) -> String {
        """
        '{"position":' || e.position || ',"id":"' || e.id || '","organization":"' || e.org_id || '","stream_id":"' || e.stream_id
            || '","stream":' || to_json((SELECT s.name FROM \(schema).event_streams s WHERE s.id = e.stream_id))::text
            || ',"type":' || to_json(e.type)::text || ',"key":' || coalesce(to_json(e.key)::text, 'null')
            || ',"created_at":"' || to_char(e.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            || '","payload":' || e.payload::text || ',"metadata":' || e.metadata::text || '}'
        """
    }

    /// COPY with lines as they are: neither the delimiter nor the quote can be in them.
    static let format = "(FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01', ENCODING 'UTF8')"
}

/// `2026-11-22T07:15:03.250Z`.
package enum UTCText {
    package static func text(_ date: Date) -> String {
        let milliseconds = Int((date.timeIntervalSince1970 * 1000).rounded())
        let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let (day, time) = rest < 0 ? (days - 1, rest + 86_400_000) : (days, rest)
        let (year, month, dayOfMonth) = civil(day)
        return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(dayOfMonth, 2) + "T" + pad(time / 3_600_000, 2) + ":"
            + pad(time / 60_000 % 60, 2) + ":" + pad(time / 1000 % 60, 2) + "." + pad(time % 1000, 3) + "Z"
    }

    /// The Gregorian date of a day since 1970: eras of 400 years that begin in March.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
}
