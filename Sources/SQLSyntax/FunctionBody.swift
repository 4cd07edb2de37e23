/// Finds what the body of a function, procedure or DO block binds by name.
package enum FunctionBody {
    /// Analyses a body. Never throws: what cannot be read is in the answer's `unparsed`.
    ///
    /// - Parameters:
    ///   - language: the language's name, as in `pg_language`.
    ///   - definition: the whole CREATE FUNCTION statement, as from `pg_get_functiondef`; it gives the parameters'
    ///     names and the function's own settings. Empty for DO blocks.
    ///   - source: the body, as in `pg_proc.prosrc`.
    ///   - limit: the longest body that is read, in bytes.
    package static func analyse(
        language: String,
        definition: String,
        source: String,
        limit: Int = SQLParser.defaultLimit
    ) -> FunctionAnalysis {
        let header = FunctionHeader.read(definition, limit: limit + 65_536)
        var analysis: FunctionAnalysis
        switch language.lowercased() {
        case "sql" where source.allSatisfy(\.isWhitespace) && !definition.isEmpty:
            analysis = FunctionAnalysis(status: .bindsByOID, source: SourceText(source))
        case "sql": analysis = analyseSQL(source, limit: limit)
        case "plpgsql": analysis = analysePLpgSQL(source, parameters: header.parameters, limit: limit)
        default: analysis = FunctionAnalysis(status: .unanalysable(language: language), source: SourceText(source))
        }
        analysis.searchPath = header.searchPath
        return analysis
    }

    /// The language and body of a CREATE FUNCTION, CREATE PROCEDURE or DO statement; nil for other statements and
    /// for bodies that are not a string. A DO block's language is `plpgsql` unless it says otherwise.
    package static func body(in statement: ParsedStatement) -> (language: String, source: String)? {
        let options = statement.node["options"] ?? statement.node["args"]
        guard statement.kind == "CreateFunctionStmt" || statement.kind == "DoStmt", let options else { return nil }
        var language = statement.kind == "DoStmt" ? "plpgsql" : "sql"
        var source: String?
        for option in options.children.compactMap({ $0["DefElem"] }) {
            let text = option["arg"]?["String"]?["sval"]?.string
            switch option["defname"]?.string {
            case "language": language = text ?? language
            case "as": source = text ?? option["arg"]?["List"]?["items"]?.strings.first
            default: break
            }
        }
        return source.map { (language, $0) }
    }

    private static func analyseSQL(_ body: String, limit: Int) -> FunctionAnalysis {
        var analysis = FunctionAnalysis(status: .analysed, source: SourceText(body))
        do {
            for statement in try SQLParser.parse(body, limit: limit) {
                analysis.references.append(StatementReferences.collect(in: statement)) { $0 }
            }
        } catch {
            analysis.addUnparsed(error, text: body)
        }
        return analysis
    }

    private static func analysePLpgSQL(_ body: String, parameters: Set<String>, limit: Int) -> FunctionAnalysis {
        do {
            let tokens = try SQLScanner.scan(body, limit: limit)
            var reader = PLpgSQLReader(tokens)
            reader.run()
            var analyser = PLpgSQLAnalyser(tokens: tokens, content: reader.content, parameters: parameters)
            return analyser.run()
        } catch {
            var analysis = FunctionAnalysis(status: .analysed, source: SourceText(body))
            analysis.addUnparsed(error, text: body)
            return analysis
        }
    }
}

extension FunctionAnalysis {
    /// Notes what the parser refused. The error's own line counts from `line`.
    mutating func addUnparsed(_ error: SQLSyntaxError, text: String, line: Int? = nil) {
        let place = line ?? error.line ?? 1
        unparsed.append(UnparsedFragment(message: error.message, line: place, text: String(text.prefix(200))))
    }
}

/// What the statement around a body says: parameters' names and settings.
private struct FunctionHeader {
    var parameters: Set<String> = []
    var searchPath: SearchPath?

    /// Empty for a definition that this grammar cannot read: the body is analysed without it.
    static func read(_ definition: String, limit: Int) -> FunctionHeader {
        var header = FunctionHeader()
        guard let statement = try? SQLParser.parse(definition, limit: limit).first,
            statement.kind == "CreateFunctionStmt"
        else { return header }
        for parameter in statement.node["parameters"]?.children ?? [] {
            if let name = parameter["FunctionParameter"]?["name"]?.string { header.parameters.insert(name) }
        }
        for option in statement.node["options"]?.children ?? [] {
            guard let setting = option["DefElem"]?["arg"]?["VariableSetStmt"],
                setting["name"]?.string == "search_path"
            else { continue }
            let schemas = (setting["args"]?.children ?? []).map { $0["A_Const"]?["sval"]?["sval"]?.string ?? "" }
            header.searchPath = SearchPath(schemas: schemas.filter { !$0.isEmpty })
        }
        return header
    }
}
