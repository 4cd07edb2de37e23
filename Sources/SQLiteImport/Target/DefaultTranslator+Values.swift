import Foundation
import JSONSchemas
import SQLSyntax

extension DefaultTranslator {
    /// A literal as the column's type writes it: what the import would make of the value that SQLite stores.
    func value(_ literal: SQLiteExpression) throws(NotTranslated) -> String {
        switch (type, literal) {
        case (.boolean, _): return try boolean(literal)
        case (.smallint, _), (.integer, _), (.bigint, _): return try integer(literal)
        case (.doublePrecision, .integer(let value)): return "\(value)"
        case (.doublePrecision, .real(let digits)): return "'\(digits)'::double precision"
        case (.numeric, .integer(let value)): return try numeric("\(value)")
        case (.numeric, .real(let digits)): return try numeric(digits)
        case (.doublePrecision, .text(let text)), (.numeric, .text(let text)):
            guard column.source.affinity != .text, column.source.affinity != .blob,
                let number = ExpressionTranslator.number(text)
            else { break }
            return try numeric(number)
        case (.text, _), (.varchar, _): return try text(literal)
        case (.bytea, .blob(let digits)): return "'\\x\(digits)'::bytea"
        case (.json, .text(let text)), (.jsonb, .text(let text)):
            guard (try? JSONParser.parse(Array(text.utf8))) != nil else { throw NotTranslated("it is no JSON") }
            return "\(SQL.literal(text))::\(type.sql)"
        case (.uuid, .text(let text)):
            guard text.utf8.count == 36, UUID(uuidString: text) != nil else { break }
            return "\(SQL.literal(text))::uuid"
        case (.date, .text(let text)), (.timestamp, .text(let text)), (.timestamptz, .text(let text)),
            (.time, .text(let text)):
            return try time(text)
        default: break
        }
        throw NotTranslated("it is no value of \(type.sql)")
    }

    private func boolean(_ literal: SQLiteExpression) throws(NotTranslated) -> String {
        // Rails once wrote 't' and 'f'. That the column becomes boolean says that such values are.
        if case .text(let text) = literal, ["t", "f", "true", "false"].contains(text.asciiLowercased) {
            return text.asciiLowercased.hasPrefix("t") ? "true" : "false"
        }
        switch literal {
        case .integer(0),
            .text("0") where column.source.affinity != .blob:
            return "false"
        case .integer(1),
            .text("1") where column.source.affinity != .blob:
            return "true"
        default: throw NotTranslated("a boolean is 0 or 1, or a word for it")
        }
    }

    private func integer(_ literal: SQLiteExpression) throws(NotTranslated) -> String {
        var value: Int64?
        if case .integer(let number) = literal { value = number }
        if case .text(let text) = literal, column.source.affinity == .integer || column.source.affinity == .numeric {
            value = Int64(text).flatMap { "\($0)" == text ? $0 : nil }
        }
        guard let value else { throw NotTranslated("it is no integer") }
        let range: ClosedRange<Int64> =
            switch type {
            case .smallint: Int64(Int16.min)...Int64(Int16.max)
            case .integer: Int64(Int32.min)...Int64(Int32.max)
            default: Int64.min...Int64.max
            }
        guard range ~= value else { throw NotTranslated("\(value) is beyond \(type.sql)") }
        return value < 0 ? "'\(value)'::\(type.sql)" : "\(value)"
    }

    /// Where the type has as many digits.
    private func numeric(_ digits: String) throws(NotTranslated) -> String {
        if case .numeric(let precision?, let scale) = type {
            let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
            let whole = parts[0].drop { $0 == "-" || $0 == "+" || $0 == "0" }.count
            let fraction = parts.count > 1 ? parts[1].count : 0
            guard digits.utf8.allSatisfy({ $0 != 0x65 && $0 != 0x45 }), fraction <= scale ?? 0,
                whole <= precision - (scale ?? 0)
            else { throw NotTranslated("\(digits) does not fit into \(type.sql)") }
        }
        return "'\(digits)'::\(type.sql)"
    }

    private func text(_ literal: SQLiteExpression) throws(NotTranslated) -> String {
        let value: String
        switch literal {
        case .text(let text): value = text
        case .integer(let number): value = "\(number)"
        default: throw NotTranslated("it is no text, and how the number is written is SQLite's")
        }
        if case .varchar(let length?) = type, value.unicodeScalars.count > length {
            throw NotTranslated("it has more than \(length) characters")
        }
        return SQL.literal(value)
    }

    /// In UTC. A number would be in the column's unit, and a text in one of the forms that are certain.
    private func time(_ text: String) throws(NotTranslated) -> String {
        switch type {
        case .date where TimeLiteral.isDate(text): return "\(SQL.literal(text))::date"
        case .time where TimeLiteral.isClock(text): return "\(SQL.literal(text))::time"
        case .timestamp, .timestamptz:
            guard let (date, clock) = TimeLiteral.instant(text) else { break }
            let zone = if case .timestamptz = type { "+00" } else { "" }
            return "'\(date) \(clock)\(zone)'::\(type.sql)"
        default: break
        }
        throw NotTranslated("it is no \(type.sql) in a form that is certain")
    }
}
