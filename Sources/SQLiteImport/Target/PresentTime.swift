/// Expressions that are the present time, in UTC, in one of SQLite's ways of writing it.
enum PresentTime: Hashable {
    /// `YYYY-MM-DD HH:MM:SS`, as datetime() writes; the format is to_char's.
    case text(String)
    /// Date and time in another way; as to_char writes.
    case format(String)
    case date
    case clock
    /// Since 1970; Julian days since their own beginning.
    case count(TimeUnit)

    init?(_ tree: SQLiteExpression) {
        switch tree {
        case .current("CURRENT_TIMESTAMP"): self = .text("YYYY-MM-DD HH24:MI:SS")
        case .current("CURRENT_DATE"): self = .date
        case .current("CURRENT_TIME"): self = .clock
        case .call(let name, let arguments): self.init(call: name, arguments)
        case .cast(let operand, let type) where SourceAffinity(declared: type) == .integer:
            guard case .count(let unit)? = PresentTime(operand), unit != .julianDays else { return nil }
            self = .count(unit)
        case .binary("*", let one, let other): self.init(product: one, other)
        default: return nil
        }
    }

    private init?(call name: String, _ arguments: [SQLiteExpression]) {
        switch (name, arguments) {
        case ("datetime", []), ("datetime", [.text("now")]): self = .text("YYYY-MM-DD HH24:MI:SS")
        case ("date", []), ("date", [.text("now")]): self = .date
        case ("time", []), ("time", [.text("now")]): self = .clock
        case ("unixepoch", []), ("unixepoch", [.text("now")]): self = .count(.seconds)
        case ("julianday", []), ("julianday", [.text("now")]): self = .count(.julianDays)
        case ("strftime", _):
            guard case .text(let format)? = arguments.first,
                arguments.count == 1 || arguments.dropFirst() == [.text("now")]
            else { return nil }
            let time: PresentTime? = format == "%s" ? .count(.seconds) : Self.template(format)
            guard let time else { return nil }
            self = time
        default: return nil
        }
    }

    /// Seconds times 1,000; and days since 1970 times the milliseconds or seconds of a day, as Drizzle writes it.
    private init?(product one: SQLiteExpression, _ other: SQLiteExpression) {
        let day = SQLiteExpression.binary("-", .call("julianday", [.text("now")]), .real("2440587.5"))
        switch (one, other) {
        case (.integer(1_000), _) where PresentTime(other) == .count(.seconds),
            (_, .integer(1_000)) where PresentTime(one) == .count(.seconds):
            self = .count(.milliseconds)
        case (day, .integer(86_400_000)), (day, .real("86400000.0")): self = .count(.milliseconds)
        case (day, .integer(86_400)), (day, .real("86400.0")): self = .count(.seconds)
        default: return nil
        }
    }

    /// In to_char's words; nil where a sign has none.
    private static func template(_ format: String) -> PresentTime? {
        let words: [Character: String] = [
            "Y": "YYYY", "m": "MM", "d": "DD", "H": "HH24", "M": "MI", "S": "SS", "f": "SS.MS", "j": "DDD",
        ]
        var text = ""
        var isSign = false
        var hasClock = false
        for character in format {
            if isSign {
                guard let word = words[character] else { return nil }
                if "HMSf".contains(character) { hasClock = true }
                text += word
                isSign = false
            } else if character == "%" {
                isSign = true
            } else if character.isLetter {
                text += "\"\(character)\""
            } else if "-: .".contains(character) {
                text.append(character)
            } else {
                return nil
            }
        }
        guard !isSign else { return nil }
        if format == "%Y-%m-%d" { return .date }
        if format == "%H:%M:%S" { return .clock }
        // A whole date with a time is a time; anything less only a text.
        return hasClock && format.hasPrefix("%Y-%m-%d") ? .text(text) : .format(text)
    }
}
