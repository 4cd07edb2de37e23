import Planning

/// Keeps one copy of texts and lists that come again and again, such as type names and key columns.
struct StringPool {
    private var texts: Set<String> = []
    private var numbers: [String: [Int16]] = [:]
    private var oidLists: [String: [OID]] = [:]

    /// Up to 15 bytes a string has no memory of its own, and nothing is gained.
    mutating func shared(_ text: String) -> String {
        guard text.utf8.count > 15 else { return text }
        return texts.insert(text).memberAfterInsert
    }

    /// Column numbers in either of PostgreSQL's forms: `{1,2}` and `1 2`. nil and other text give an empty list.
    mutating func numbers(_ text: String?) -> [Int16] {
        guard let text, !text.isEmpty else { return [] }
        if let known = numbers[text] { return known }
        let separators: Set<Character> = ["{", "}", ",", " "]
        let list = text.split { separators.contains($0) }.compactMap { Int16($0) }
        numbers[text] = list
        return list
    }

    /// OIDs in the form of an oidvector: `1978 3126`.
    mutating func oids(_ text: String) -> [OID] {
        if let known = oidLists[text] { return known }
        let list = text.split(separator: " ").compactMap { OID($0) }
        oidLists[text] = list
        return list
    }
}
