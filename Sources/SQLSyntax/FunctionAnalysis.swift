/// A text that a function executes and that is not known, or not wholly, before it runs.
package struct DynamicStatement: Sendable, Hashable {
    package enum Unknown: Sendable, Hashable {
        /// A name, or the whole text: what it touches cannot be told.
        case names
        /// Only parts that look like values; the names in `reconstructed` are in the references.
        case values
    }

    /// Line of the body, from 1.
    package var line: Int
    /// The expression as written after EXECUTE.
    package var expression: String
    /// The text it starts with, as far as that is constant.
    package var knownPrefix: String
    package var unknown: Unknown
    /// The statement with place holders (`strata_unknown`, NULL) for what is not known; nil when that is no SQL.
    package var reconstructed: String?
}

/// A trigger variable whose value changes when the table moves.
package struct TriggerVariableUse: Sendable, Hashable {
    package enum Variable: String, Sendable, CaseIterable {
        case tableSchema = "tg_table_schema"
        case relationID = "tg_relid"
        case tableName = "tg_table_name"
        case relationName = "tg_relname"
    }

    package var variable: Variable
    package var line: Int
}

/// A part of a body that the parser refused, perhaps because a later PostgreSQL allows it.
package struct UnparsedFragment: Sendable, Hashable {
    package var message: String
    package var line: Int
    /// The part, cut to 200 characters.
    package var text: String
}

/// All that a function's body binds by name. Lines are lines of the body (`prosrc`), from 1, as in PostgreSQL's
/// error context.
package struct FunctionAnalysis: Sendable {
    package enum Status: Sendable, Equatable {
        case analysed
        /// `BEGIN ATOMIC` or `RETURN`: PostgreSQL stored what the body refers to, not its names.
        case bindsByOID
        /// Neither `sql` nor `plpgsql`: nothing is known about the body.
        case unanalysable(language: String)
    }

    package var status: Status
    package var references = StatementReferences()
    package var dynamic: [DynamicStatement] = []
    package var triggerVariables: [TriggerVariableUse] = []
    package var unparsed: [UnparsedFragment] = []
    /// The schemas of the function's own `SET search_path`, when the definition has one.
    package var searchPath: SearchPath?
    package let source: SourceText

    init(status: Status, source: SourceText) {
        self.status = status
        self.source = source
    }

    /// The body's line with this number, from 1, without leading and trailing white space.
    package func text(ofLine line: Int) -> String? {
        guard let text = source.text(ofLine: line) else { return nil }
        return String(text.trimmingPrefix(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    /// Whether everything the body can touch is in `references`.
    package var isComplete: Bool {
        status == .analysed && unparsed.isEmpty && dynamic.allSatisfy { $0.unknown == .values }
    }
}
