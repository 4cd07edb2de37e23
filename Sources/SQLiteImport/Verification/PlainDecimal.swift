/// Numbers as PostgreSQL's numeric writes them: no exponent, no sign of zero.
enum PlainDecimal {
    /// - Parameters:
    ///   - text: of a number in JSON's form.
    ///   - keepsScale: keeps zeros behind the point that were written, as numeric does; else cuts them, as trim_scale does.
    static func text(_ text: String, keepsScale: Bool) -> String {
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        var exponent = 0
        if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(rest[rest.index(after: mark)...].drop { $0 == "+" }) ?? 0
            rest = rest[..<mark]
        }
        let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var whole = String(parts[0])
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        if exponent > 0 {
            let moved = fraction.prefix(exponent)
            whole += moved + String(repeating: "0", count: exponent - moved.count)
            fraction = String(fraction.dropFirst(exponent))
        } else if exponent < 0 {
            let moved = whole.suffix(-exponent)
            fraction = String(repeating: "0", count: -exponent - moved.count) + moved + fraction
            whole = String(whole.dropLast(-exponent))
        }
        whole = String(whole.drop { $0 == "0" })
        if !keepsScale { while fraction.last == "0" { fraction.removeLast() } }
        let isZero = whole.isEmpty && fraction.allSatisfy { $0 == "0" }
        return (isNegative && !isZero ? "-" : "") + (whole.isEmpty ? "0" : whole)
            + (fraction.isEmpty ? "" : "." + fraction)
    }
}
