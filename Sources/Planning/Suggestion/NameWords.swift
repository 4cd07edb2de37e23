/// The words that a name is made of: `order_items`, `OrderItem` and `tblOrderItems` split alike, in the singular.
enum NameWords {
    /// Lower case and singular; empty for a name without letters.
    static func words(_ name: String) -> [String] { parts(name).map(singular) }

    /// Lower case, as written.
    static func parts(_ name: String) -> [String] {
        var parts: [String] = []
        var part = ""
        let characters = Array(name)
        for (position, character) in characters.enumerated() {
            guard character.isLetter || character.isNumber else {
                flush(&part, into: &parts)
                continue
            }
            if character.isUppercase, let previous = part.last {
                let next = position + 1 < characters.count ? characters[position + 1] : " "
                // `userID` and `HTTPLog`: a capital begins a word after a small letter, or before one.
                if !previous.isUppercase || next.isLowercase { flush(&part, into: &parts) }
            }
            part.append(character)
        }
        flush(&part, into: &parts)
        return parts
    }

    private static func flush(_ part: inout String, into parts: inout [String]) {
        if !part.isEmpty { parts.append(part.lowercased()) }
        part = ""
    }

    /// English plurals only, and only the regular ones: what is not understood stays as it is.
    static func singular(_ word: String) -> String {
        guard word.count > 3, word.hasSuffix("s") else { return word }
        if word.hasSuffix("ies"), word.count > 4 { return String(word.dropLast(3)) + "y" }
        if ["sses", "xes", "ches", "shes", "zes"].contains(where: word.hasSuffix) { return String(word.dropLast(2)) }
        if ["ss", "us", "is"].contains(where: word.hasSuffix) { return word }
        return String(word.dropLast())
    }

    static func plural(_ word: String) -> String {
        if word.hasSuffix("s") || word.last?.isLetter != true { return word }
        if word.hasSuffix("y"), let before = word.dropLast().last, !"aeiou".contains(before) {
            return String(word.dropLast()) + "ies"
        }
        if ["x", "ch", "sh", "z"].contains(where: word.hasSuffix) { return word + "es" }
        return word + "s"
    }

    /// Whether a column such as `created_by`, `deletedBy` or `author_id` names who did something: a key from it says little
    /// about where the table belongs.
    static func namesActor(_ column: String) -> Bool {
        let words = words(column).filter { $0 != "id" }
        guard let first = words.first, let last = words.last else { return false }
        return last == "by" || ["created", "updated", "deleted", "modified"].contains(first)
            || ["author", "actor", "creator", "owner", "reviewer", "sender", "approver", "manager"].contains(last)
    }
}
