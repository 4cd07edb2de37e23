/// An expression as SQLite reads it (https://www.sqlite.org/lang_expr.html).
package indirect enum SQLiteExpression: Sendable, Hashable {
    case null
    case integer(Int64)
    /// As written: the digits count.
    case real(String)
    case text(String)
    /// Hexadecimal digits.
    case blob(String)
    /// CURRENT_TIMESTAMP, CURRENT_DATE or CURRENT_TIME.
    case current(String)
    /// Its parts, such as table and column.
    case name([String], SQLiteToken.Kind)
    /// `-`, `+`, `~` or `NOT`.
    case unary(String, SQLiteExpression)
    /// Arithmetic, comparisons (`=`, `<>`, `IS`, `IS NOT` and those of order), `||`, `->`, `->>`.
    case binary(String, SQLiteExpression, SQLiteExpression)
    /// AND of several.
    case all([SQLiteExpression])
    /// OR of several.
    case any([SQLiteExpression])
    case between(SQLiteExpression, SQLiteExpression, SQLiteExpression)
    case among(SQLiteExpression, [SQLiteExpression])
    /// LIKE or GLOB, and what is behind ESCAPE.
    case matches(String, SQLiteExpression, SQLiteExpression, escape: SQLiteExpression?)
    case isNull(SQLiteExpression)
    case call(String, [SQLiteExpression])
    case cast(SQLiteExpression, String)
    case choice(SQLiteExpression?, [Branch], otherwise: SQLiteExpression?)
    case collate(SQLiteExpression, String)
    /// What has no place in a definition, or no translation whatever its parts are; says what it is.
    case unknown(String)

    /// What it is made of; empty for literals and names.
    var parts: [SQLiteExpression] {
        switch self {
        case .null, .integer, .real, .text, .blob, .current, .name, .unknown: []
        case .unary(_, let one), .isNull(let one), .cast(let one, _), .collate(let one, _): [one]
        case .binary(_, let one, let other): [one, other]
        case .all(let parts), .any(let parts), .call(_, let parts): parts
        case .between(let one, let low, let high): [one, low, high]
        case .among(let one, let values): [one] + values
        case .matches(_, let one, let pattern, let escape): [one, pattern] + (escape.map { [$0] } ?? [])
        case .choice(let base, let branches, let otherwise):
            (base.map { [$0] } ?? []) + branches.flatMap { [$0.condition, $0.value] } + (otherwise.map { [$0] } ?? [])
        }
    }

    package struct Branch: Sendable, Hashable {
        package var condition: SQLiteExpression
        package var value: SQLiteExpression

        package init(_ condition: SQLiteExpression, _ value: SQLiteExpression) {
            (self.condition, self.value) = (condition, value)
        }
    }
}
