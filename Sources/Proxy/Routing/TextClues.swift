import SQLSyntax

/// What a text says that a `StatementShape` has no room for.
package struct TextClues: Sendable {
    /// TRUNCATE … CASCADE may be in it.
    package var truncatesReferencing = true
    /// ON CONFLICT may be in it: an INSERT that changes rows, so that foreign keys act.
    package var insertsMayChange = true
    /// It asks for a setting that a replica has otherwise (`SHOW transaction_read_only`).
    package var looksAtNode = true
    /// What its DO blocks touch, where they could be read.
    var blocks: [Touches] = []

    /// Nothing is known of the text: the worst of everything.
    package init() {}

    private static let wanted: [StaticString] = [
        "truncate", "cascade", "conflict", "merge", "transaction_read_only", "in_hot_standby", "all",
    ]

    /// Judged by words: one in a comment counts as well.
    package init(_ text: UnsafeBufferPointer<UInt8>) {
        let found = SessionWords.found(Self.wanted, in: text)
        truncatesReferencing = found.isSuperset(of: [0, 1])
        insertsMayChange = !found.isDisjoint(with: [2, 3])
        looksAtNode = !found.isDisjoint(with: [4, 5, 6])
    }

    /// Reads the bodies of DO blocks.
    package mutating func readBlocks(_ sql: String, _ catalog: RoutingCatalog) {
        guard let statements = try? SQLParser.parse(sql) else { return }
        let reader = FunctionTouches(catalog.names)
        for statement in statements where statement.kind == "DoStmt" {
            guard let body = FunctionBody.body(in: statement) else { return blocks = [] }
            let analysis = FunctionBody.analyse(language: body.language, definition: "", source: body.source)
            blocks.append(reader.touches(of: analysis, body: body.source))
        }
    }
}
