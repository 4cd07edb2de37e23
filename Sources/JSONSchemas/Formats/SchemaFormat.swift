/// The formats that are checked where formats are to be checked.
enum SchemaFormat: String, CaseIterable, Sendable {
    case dateTime = "date-time"
    case date
    case time
    case duration
    case email
    case hostname
    case ipv4
    case ipv6
    case uri
    case uriReference = "uri-reference"
    case uuid
    case jsonPointer = "json-pointer"
    case relativeJSONPointer = "relative-json-pointer"
    case regex

    func isValid(_ text: String) -> Bool {
        switch self {
        case .dateTime: DateTimeText.isDateTime(text)
        case .date: DateTimeText.isDate(text)
        case .time: DateTimeText.isTime(text)
        case .duration: DateTimeText.isDuration(text)
        case .email: HostText.isEmail(text)
        case .hostname: HostText.isHostname(text)
        case .ipv4: IPAddressText.isIPv4(text)
        case .ipv6: IPAddressText.isIPv6(text)
        case .uri: URIText.isURI(text)
        case .uriReference: URIText.isReference(text)
        case .uuid: SchemaFormat.isUUID(text)
        case .jsonPointer: JSONPointer(text) != nil
        case .relativeJSONPointer: SchemaFormat.isRelativePointer(text)
        case .regex: (try? Pattern(text)) != nil
        }
    }

    /// RFC 4122: 8-4-4-4-12 hexadecimal digits.
    private static func isUUID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2D, omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12]
            && parts.allSatisfy { $0.allSatisfy { hexDigitValue($0) != nil } }
    }

    /// How many levels up, perhaps a shift among neighbours (`+1`), then a pointer or `#`.
    private static func isRelativePointer(_ text: String) -> Bool {
        var rest = Substring(text)
        func number() -> Bool {
            let digits = rest.utf8.prefix { (0x30...0x39).contains($0) }
            rest = rest[digits.endIndex...]
            return !digits.isEmpty && (digits.count == 1 || digits.first != 0x30)
        }
        guard number() else { return false }
        if rest.hasPrefix("+") || rest.hasPrefix("-") {
            rest = rest.dropFirst()
            guard !rest.hasPrefix("0"), number() else { return false }
        }
        return rest == "#" || JSONPointer(String(rest)) != nil
    }
}
