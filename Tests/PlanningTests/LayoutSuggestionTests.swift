import Testing

@testable import Planning

@Suite("Layout: nearest names")
struct LayoutSuggestionTests {
    private static let tables = ["accounts", "sessions", "Project", "order_items", "orders", "a", "project_files"]

    @Test(
        "typing errors find their name",
        arguments: [
            ("account", "accounts"), ("sesions", "sessions"), ("sessoins", "sessions"), ("project", "Project"),
            ("PROJECT", "Project"), ("order_item", "order_items"), ("oders", "orders"), ("Orders", "orders"),
            ("orderitems", "order_items"),
        ])
    func near(name: String, expected: String) {
        #expect(nearestName(to: name, among: Self.tables) == expected)
    }

    @Test(
        "nothing is suggested for what is far away",
        arguments: ["", "customers", "xyz", "b_long_one", String(repeating: "a", count: 200)])
    func far(name: String) {
        #expect(nearestName(to: name, among: Self.tables) == nil)
    }

    @Test("the answer does not depend on the order; nobody is told the name that they wrote")
    func order() {
        let names = ["tab_c", "tab_a", "tab_b"]
        #expect(nearestName(to: "tab_x", among: names) == "tab_a")
        #expect(nearestName(to: "tab_x", among: names.reversed()) == "tab_a")
        #expect(nearestName(to: "user", among: ["user", "users"]) == "users")
        #expect(nearestName(to: "user", among: ["USER", "User"]) == "User")
    }

    @Test(
        "two neighbours swapped are one mistake",
        arguments: [("ab", "ba", 1), ("abc", "acb", 1), ("abcd", "badc", 2), ("a", "", 1), ("kitten", "sitting", 3)])
    func distance(left: String, right: String, expected: Int) {
        let (left, right) = (Array(left.unicodeScalars), Array(right.unicodeScalars))
        #expect(editDistance(left, right, limit: 9) == expected)
        #expect(editDistance(right, left, limit: 9) == expected)
        #expect(editDistance(left, right, limit: expected - 1) == nil)
    }
}
