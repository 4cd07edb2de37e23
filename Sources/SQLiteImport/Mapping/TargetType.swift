/// The PostgreSQL type of a column.
package enum TargetType: Sendable, Hashable {
    case boolean, smallint, integer, bigint, real
    case doublePrecision
    /// Nil: as many digits as a value has.
    case numeric(precision: Int?, scale: Int?)
    case text
    /// Characters at most.
    case varchar(Int?)
    case bytea, uuid, json, jsonb, date, time
    /// Without a time zone; what is stored is UTC. Digits of the fraction, 6 where nil.
    case timestamp(Int?)
    /// With a time zone.
    case timestamptz(Int?)
    /// A type of the target's own, such as an enum, as format_type writes it: values go there as text.
    case other(String)

    /// As format_type writes it.
    package var sql: String {
        switch self {
        case .boolean: "boolean"
        case .smallint: "smallint"
        case .integer: "integer"
        case .bigint: "bigint"
        case .real: "real"
        case .doublePrecision: "double precision"
        case .numeric(nil, _): "numeric"
        case .numeric(let precision?, let scale): "numeric(\(precision),\(scale ?? 0))"
        case .text: "text"
        case .varchar(let length): length.map { "character varying(\($0))" } ?? "character varying"
        case .bytea: "bytea"
        case .uuid: "uuid"
        case .json: "json"
        case .jsonb: "jsonb"
        case .date: "date"
        case .time: "time without time zone"
        case .timestamp(let digits): "timestamp\(digits.map { "(\($0))" } ?? "") without time zone"
        case .timestamptz(let digits): "timestamp\(digits.map { "(\($0))" } ?? "") with time zone"
        case .other(let name): name
        }
    }
}
