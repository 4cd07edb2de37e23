/// The head of a Parse message. The texts are slices of the message: valid as long as its bytes are.
package struct ParseMessage {
    package var name: UnsafeRawBufferPointer
    package var query: UnsafeRawBufferPointer
    /// Count and OIDs of the parameters' types, as they stand in the message.
    package var parameterTypes: UnsafeRawBufferPointer

    package init?(body: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(body)
        guard let name = cursor.cString(), let query = cursor.cString() else { return nil }
        let types = cursor.takeRest()
        var inside = ByteCursor(types)
        guard let count = inside.int16(), count >= 0, inside.remaining == 4 * count else { return nil }
        self.name = name
        self.query = query
        parameterTypes = types
    }

    package static func write(
        name: some Sequence<UInt8>, query: some Sequence<UInt8>, parameterTypes: some Sequence<UInt8>,
        to writer: inout MessageWriter
    ) {
        writer.message(FrontendTag.parse) { body in
            body.raw(name)
            body.byte(0)
            body.raw(query)
            body.byte(0)
            body.raw(parameterTypes)
        }
    }
}

/// The head of a Bind message: what is after the two names stays as it is.
package struct BindMessage {
    package var portal: UnsafeRawBufferPointer
    package var statement: UnsafeRawBufferPointer
    package var rest: UnsafeRawBufferPointer

    package init?(body: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(body)
        guard let portal = cursor.cString(), let statement = cursor.cString() else { return nil }
        self.portal = portal
        self.statement = statement
        rest = cursor.takeRest()
    }
}

/// A Describe or Close message: which statement or portal.
package struct NamedTarget {
    package enum Kind: UInt8, Sendable {
        case statement = 0x53
        case portal = 0x50
    }

    package var kind: Kind
    package var isStatement: Bool {
        // The standard library's == compares raw values through tables of the type.
        if case .statement = kind { true } else { false }
    }
    package var name: UnsafeRawBufferPointer

    package init?(body: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(body)
        guard let byte = cursor.byte(), let kind = Kind(rawValue: byte), let name = cursor.cString(), cursor.isAtEnd
        else { return nil }
        self.kind = kind
        self.name = name
    }
}

/// The text of a Query message, or nil where it does not end with its zero.
package func queryText(body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var cursor = ByteCursor(body)
    guard let text = cursor.cString(), cursor.isAtEnd else { return nil }
    return text
}
