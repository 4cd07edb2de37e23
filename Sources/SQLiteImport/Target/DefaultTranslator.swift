import JSONSchemas
import SQLSyntax

extension ExpressionTranslation {
    /// The DEFAULT of a column in its new type; nil where it has none, or NULL.
    package func defaultValue(of column: SourceColumn) -> Result? {
        guard let text = column.defaultSQL, let target = mapping.column(column.name) else { return nil }
        guard case .success(let tree) = Swift.Result(catching: { () throws(NotTranslated) in try Self.read(text) })
        else {
            return .left("it cannot be read")
        }
        if tree == .null { return nil }
        return result { () throws(NotTranslated) in
            var reader = DefaultTranslator(self, TranslatedColumn(source: column, mapping: target))
            return (try reader.piece(tree), [])
        }
    }
}

/// A DEFAULT: a value, the present time, or an expression of such.
struct DefaultTranslator {
    private var translator: ExpressionTranslator
    let column: TranslatedColumn
    var type: TargetType { column.mapping.type }

    init(_ translation: ExpressionTranslation, _ column: TranslatedColumn) {
        translator = ExpressionTranslator(translation, .key(isUnique: true))
        translator.hasColumns = false
        self.column = column
    }

    mutating func piece(_ tree: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        if let now = PresentTime(tree) { return .function(try present(now), TargetPiece.Kind(type)) }
        let piece = try translator.piece(tree)
        if let literal = piece.literal { return .function(try value(literal), TargetPiece.Kind(type)) }
        return try translator.assigned(tree, to: column)
    }

    /// SQLite's times are in UTC.
    private func present(_ now: PresentTime) throws(NotTranslated) -> String {
        switch type {
        case .timestamptz, .timestamp, .date, .time:
            if case .count(let unit) = now, unit != column.mapping.unit {
                throw NotTranslated(
                    "it counts \(unit.rawValue), and the column \(column.mapping.unit?.rawValue ?? "none")")
            }
            if type == .date, now != .date { throw NotTranslated("it gives a time, and the column becomes date") }
            if type == .time, now != .clock { throw NotTranslated("it gives more than a time of day") }
            if now == .clock, type != .time { throw NotTranslated("it gives a time of day only") }
            return switch type {
            case .date: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date"
            case .time: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::time"
            // Midnight, where SQLite writes the day alone.
            case .timestamptz where now == .date: "date_trunc('day', CURRENT_TIMESTAMP, 'UTC')"
            case .timestamp where now == .date: "date_trunc('day', CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"
            case .timestamptz: "CURRENT_TIMESTAMP"
            default: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"
            }
        case .text, .varchar: return try presentText(now)
        case .smallint, .integer, .bigint, .doublePrecision, .numeric:
            guard case .count(let unit) = now, unit != .julianDays, column.source.affinity != .text else { break }
            return "floor(extract(epoch FROM CURRENT_TIMESTAMP) * \(unit.perSecond))::bigint"
        default: break
        }
        throw NotTranslated("the present time as \(type.sql)")
    }

    private func presentText(_ now: PresentTime) throws(NotTranslated) -> String {
        switch now {
        case .text(let format), .format(let format):
            return "to_char(CURRENT_TIMESTAMP AT TIME ZONE 'UTC', \(SQL.literal(format)))"
        case .date: return "to_char(CURRENT_TIMESTAMP AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        case .clock: return "to_char(CURRENT_TIMESTAMP AT TIME ZONE 'UTC', 'HH24:MI:SS')"
        case .count(let unit) where unit != .julianDays:
            return "floor(extract(epoch FROM CURRENT_TIMESTAMP) * \(unit.perSecond))::bigint::text"
        case .count: throw NotTranslated("the present time as a text of days")
        }
    }
}

extension TimeUnit {
    var perSecond: Int {
        switch self {
        case .seconds: 1
        case .milliseconds: 1_000
        case .microseconds: 1_000_000
        case .julianDays, .since1970, .since2000: 0
        }
    }
}
