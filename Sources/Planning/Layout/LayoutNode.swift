/// The layout file as plain data: what the YAML parser gives, with a place for everything and nothing shared or cyclic.
struct LayoutNode {
    enum Content {
        case nothing
        /// `plain`: written without quotes, so that `5` is a number and `"5"` is not.
        case text(String, plain: Bool)
        case list([LayoutNode])
        case map([LayoutField])
    }

    var content: Content
    var place: SourcePlace

    /// How messages call what was found.
    var kind: String {
        switch content {
        case .nothing: "nothing"
        case .list: "a list"
        case .map: "keys with values"
        case .text(let text, plain: let plain):
            if plain, text == "true" || text == "false" {
                text
            } else if plain, isNumber(text) {
                "a number"
            } else {
                "a text"
            }
        }
    }

    private func isNumber(_ text: String) -> Bool {
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard let first = digits.first, first.isASCII, first.isNumber else { return false }
        return digits.allSatisfy { ($0.isASCII && $0.isNumber) || $0 == "." || $0 == "_" }
            && digits.count { $0 == "." } <= 1
    }
}

/// One `key: value` of a mapping.
struct LayoutField {
    var key: String
    var keyPlace: SourcePlace
    var value: LayoutNode
}
