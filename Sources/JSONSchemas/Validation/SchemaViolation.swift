/// What a value has that its schema does not allow.
package struct SchemaViolation: Sendable, Hashable, CustomStringConvertible {
    /// Where in the value.
    package var instance: JSONPointer
    /// Which keyword says so: the URI of the document, `#`, and a JSON pointer.
    package var keyword: String
    /// For people, in English; values in it are shortened.
    package var message: String

    package var description: String { "\(instance.tokens.isEmpty ? "(the whole)" : instance.description): \(message)" }
}
