/// Mistakes of a schema, all that were found (up to a hundred).
package struct SchemaErrors: Error, Sendable, Hashable {
    package struct Mistake: Sendable, Hashable, CustomStringConvertible {
        /// The URI of the document, empty for a schema without `$id`.
        package var document: String
        package var pointer: JSONPointer
        package var message: String

        package var description: String { "\(document)#\(pointer): \(message)" }
    }

    package var mistakes: [Mistake]
}

extension SchemaErrors: CustomStringConvertible {
    package var description: String { mistakes.map(\.description).joined(separator: "\n") }
}

/// A keyword that stands in a schema and has no effect on what is valid.
package struct IgnoredKeyword: Sendable, Hashable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        /// No keyword of this dialect: an annotation by specification, or a slip of the pen.
        case unknown
        /// Draft 7 ignores what stands beside `$ref`.
        case besideReference = "beside-reference"
        /// `format` where formats are annotations, and `contentEncoding`, `contentMediaType`, `contentSchema`.
        case annotation
        /// It refers to a keyword beside it which is missing: `then` without `if`.
        case withoutPartner = "without-partner"
    }

    package var document: String
    package var pointer: JSONPointer
    package var reason: Reason

    package var description: String { "\(document)#\(pointer) (\(reason.rawValue))" }
}
