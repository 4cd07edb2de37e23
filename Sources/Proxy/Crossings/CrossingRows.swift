internal import Planning

/// SHOW CROSSINGS: what this proxy has counted since it was started. Texts are without constants. Pure.
enum CrossingRows {
    static func table(_ counted: CrossingTable) -> AdminTable {
        var rows = counted.sorted.map { crossing -> [String?] in
            [
                crossing.fingerprint, crossing.kind.rawValue, "\(crossing.count)",
                CalendarDate.utc(crossing.firstSeen), CalendarDate.utc(crossing.lastSeen),
                crossing.schemas.joined(separator: ", "), crossing.application,
                crossing.statements.map(\.description).joined(separator: ", "), crossing.example,
            ]
        }
        if counted.dropped > 0 {
            rows.append(["", "dropped", "\(counted.dropped)", nil, nil, "", "", "", "too many to be kept"])
        }
        return AdminTable(
            [
                ("fingerprint", .text), ("kind", .text), ("count", .integer), ("first_seen", .text),
                ("last_seen", .text), ("schemas", .text), ("application_name", .text), ("statements", .text),
                ("example", .text),
            ], rows: rows)
    }
}
