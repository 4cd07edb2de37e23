/// Statements that could not be read and therefore went to the primary: how many, and the last different ones, without
/// their constants.
package struct UnparsedStatements {
    package struct Item: Sendable, Equatable {
        package let text: String
        package var count: UInt64
    }

    package static let limit = 32
    package private(set) var total: UInt64 = 0
    /// The longest ago first.
    package private(set) var items: [Item] = []

    mutating func add(_ text: String) {
        total &+= 1
        var item = Item(text: text, count: 0)
        if let known = items.firstIndex(where: { $0.text == text }) { item = items.remove(at: known) }
        item.count &+= 1
        items.append(item)
        if items.count > Self.limit { items.removeFirst() }
    }
}
