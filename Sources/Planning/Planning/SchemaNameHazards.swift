internal import SQLSyntax

/// Trigger functions that read the name of their table's schema, which changes.
extension FunctionBindings {
    func schemaNameHazards(_ function: Function, _ analysis: FunctionAnalysis) -> [Hazard] {
        guard let line = analysis.triggerVariables.first(where: { $0.variable == .tableSchema })?.line,
            let table = movedTable(firing: function)
        else { return [] }
        return [
            hazard(
                function, table, message: "line \(line) reads TG_TABLE_SCHEMA", line: line,
                excerpt: analysis.text(ofLine: line))
        ]
    }

    /// Languages that Strata does not parse: `$_TD->{table_schema}`, `TD["table_schema"]`, `TG_table_schema`. The words are
    /// searched for in the text as it is, so they count in comments and strings too.
    func schemaNameHazards(inText function: Function) -> [Hazard] {
        guard let table = movedTable(firing: function) else { return [] }
        let lines = function.source.split(separator: "\n", omittingEmptySubsequences: false)
        guard let index = lines.firstIndex(where: { $0.lowercased().contains("table_schema") }) else { return [] }
        let excerpt = lines[index].trimmingPrefix(while: \.isWhitespace).prefix(120)
        return [
            hazard(
                function, table,
                message:
                    "line \(index + 1) mentions table_schema (found by text search: \(function.language) is not parsed)",
                line: index + 1, excerpt: String(excerpt))
        ]
    }

    private func movedTable(firing function: Function) -> Move? {
        lookup.triggers(calling: function.oid).compactMap {
            context.moveByOID[ObjectReference(.relation, $0.relation)]
        }.first
    }

    private func hazard(
        _ function: Function, _ table: Move, message: String, line: Int, excerpt: String?
    ) -> Hazard {
        Hazard(
            .readsSchemaName, object: name(of: function),
            message: "\(message): for \(table.oldName) it will say \(table.to) instead of \(table.from)",
            remedy: "make sure that what it does with the name knows the new schema", line: line, excerpt: excerpt)
    }
}
