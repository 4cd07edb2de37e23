/// Why a value, and with it a row, is not loaded.
package enum RejectReason: String, Sendable, Codable, CaseIterable, Error {
    case empty, nul
    case invalidUTF8 = "invalid-utf8"
    case notAnInteger = "not-an-integer"
    case notANumber = "not-a-number"
    case outOfRange = "out-of-range"
    case losesDigits = "loses-digits"
    case infinite
    case notBoolean = "not-boolean"
    case notADate = "not-a-date"
    case notATime = "not-a-time"
    case notATimestamp = "not-a-timestamp"
    case noUnit = "no-unit"
    case notAUUID = "not-a-uuid"
    case notJSON = "not-json"
    case tooLong = "too-long"
    case isBlob = "is-a-blob"
    case notABlob = "not-a-blob"
    /// The server refused the row: its message is in the reject.
    case server

    package var text: String {
        switch self {
        case .empty: "'' is no value of this type"
        case .nul: "text with the character NUL, which PostgreSQL's text cannot hold"
        case .invalidUTF8: "text that is not UTF-8"
        case .notAnInteger: "not a whole number"
        case .notANumber: "not a number"
        case .outOfRange: "beyond the range of the type"
        case .losesDigits: "the type would lose digits"
        case .infinite: "infinity, which numeric cannot hold before PostgreSQL 14"
        case .notBoolean: "neither 0 nor 1, nor a word for true or false"
        case .notADate: "not a day of the form YYYY-MM-DD"
        case .notATime: "not a time of the form HH:MM[:SS]"
        case .notATimestamp: "not a time of the form YYYY-MM-DD HH:MM[:SS][Z]"
        case .noUnit: "a number whose unit is not known"
        case .notAUUID: "not a UUID"
        case .notJSON: "not valid JSON"
        case .tooLong: "longer than the column"
        case .isBlob: "a blob, where text is expected"
        case .notABlob: "a number, where bytes are expected"
        case .server: "refused by PostgreSQL"
        }
    }
}
