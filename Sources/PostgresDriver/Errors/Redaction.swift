/// Takes secrets out of texts that may be shown or logged.
enum Redaction {
    static let mask = "***"
    static let statementLimit = 2048

    /// Masks password literals (`PASSWORD '…'`, `password '…'` in OPTIONS) and `password=…` in connection strings.
    static func text(_ text: String) -> String {
        guard text.contains(word) else { return text }
        return text.replacing(literal) { "\($0.output.1)\(mask)" }
            .replacing(assignment) { "\($0.output.1)\(mask)" }
            .replacing(urlPassword) { "\($0.output.1)\(mask)@" }
    }

    /// A statement as an error may show it: masked, then cut to `statementLimit` bytes at a character.
    static func statement(_ sql: String) -> String {
        // Masking first, or the cut could leave half of a literal that no longer looks like one.
        let masked = text(sql.utf8.count > 64 * statementLimit ? cut(sql, to: 64 * statementLimit) : sql)
        return masked.utf8.count <= statementLimit ? masked : cut(masked, to: statementLimit - 3) + "…"
    }

    /// libpq's complaint about a connection string quotes pieces of it, and a piece of a mistyped password looks like
    /// any other word: nothing between double quotes stays, except the separators.
    static func quotedPieces(_ message: String) -> String {
        message.replacing(quoted) { match in
            let piece = match.output.1
            return ["=", ":", "/", "]", "["].contains(String(piece)) ? "\"\(piece)\"" : "\"\(mask)\""
        }
    }

    private static func cut(_ text: String, to limit: Int) -> String {
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }

    // Regex values are not Sendable, so each is made where it is used.
    private static var word: Regex<Substring> { #/(?i)passw|:///# }
    // A literal inside another has its quotes doubled or escaped; there, rather too much is masked than too little.
    private static var literal: Regex<(Substring, Substring)> {
        #/
            (?i) (password \s* =? \s*)
            (?: (?:'{2,} [^']*)+ '? | \\+' [^']* | (?:e|u&)? '(?:[^']|'')* (?:'|$) | \$\w*\$ [\s\S]*? (?:\$\w*\$|$) )
        /#
    }
    private static var assignment: Regex<(Substring, Substring)> {
        #/(?i)(password\s*=\s*)(?:\\'[^']*\\'|''[^']*''|[^\s'";,)*]+)/#
    }
    private static var urlPassword: Regex<(Substring, Substring)> {
        #/(?i)(postgres(?:ql)?://[^:@/\s]*:)[^@\s]*@/#
    }
    private static var quoted: Regex<(Substring, Substring)> { #/"((?:[^"]|"(?!\s|$))*)"/# }
}
