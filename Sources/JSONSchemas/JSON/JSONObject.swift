/// Members of an object, in the order they were written; no key twice.
package struct JSONObject: Sendable {
    package struct Member: Sendable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    package private(set) var members: [Member] = []
    /// Where each key is; kept from `indexedFrom` members on, below which looking through them is faster.
    private var index: [JSONKey: Int] = [:]
    private static let indexedFrom = 12

    package init() {}

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }

    package subscript(key: String) -> JSONValue? {
        position(of: key).map { members[$0].value }
    }

    package func contains(_ key: String) -> Bool { position(of: key) != nil }

    func position(of key: String) -> Int? {
        if members.count >= JSONObject.indexedFrom { return index[JSONKey(key)] }
        return members.firstIndex { $0.key.isIdenticalText(to: key) }
    }

    /// False, and nothing is changed, when there is such a key.
    @discardableResult
    package mutating func append(_ key: String, _ value: JSONValue) -> Bool {
        guard position(of: key) == nil else { return false }
        members.append(Member(key: key, value: value))
        if members.count == JSONObject.indexedFrom {
            for (position, member) in members.enumerated() { index[JSONKey(member.key)] = position }
        } else if members.count > JSONObject.indexedFrom {
            index[JSONKey(key)] = members.count - 1
        }
        return true
    }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    /// Without regard to order.
    package func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members {
            var one = Hasher()
            one.combine(JSONKey(member.key))
            one.combine(member.value)
            sum = sum &+ one.finalize()
        }
        hasher.combine(sum)
    }
}
