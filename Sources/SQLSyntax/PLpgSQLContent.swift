/// A piece of SQL inside a PL/pgSQL body. Ranges are bytes of the body.
struct PLpgSQLFragment {
    enum Kind {
        /// A whole statement. The hidden part is PL/pgSQL's INTO with its targets.
        case statement(hidden: Range<Int>?)
        /// An expression, or several with commas between.
        case expression
        /// The parenthesised arguments of a cursor.
        case arguments
        /// An expression whose value is executed as a statement.
        case execute
        /// A declared type.
        case type
    }

    let kind: Kind
    let range: Range<Int>
    /// Where the PL/pgSQL statement starts.
    let statementOffset: Int
}

/// What a PL/pgSQL body consists of, as far as names matter.
struct PLpgSQLContent {
    var fragments: [PLpgSQLFragment] = []
    /// Declared variables and loop variables of all blocks.
    var variables: Set<String> = []
    /// The expressions assigned to each variable as a whole.
    var assignments: [String: [(range: Range<Int>, statementOffset: Int)]] = [:]
    /// Variables that get values from elsewhere than an assignment.
    var filled: Set<String> = []
    /// Where reading stopped making sense, and why.
    var problems: [(offset: Int, message: String)] = []
}
