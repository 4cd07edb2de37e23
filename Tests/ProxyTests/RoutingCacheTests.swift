import SQLSyntax
import Testing

@testable import Proxy

@Suite struct RoutingCacheTests {
    private func key(_ number: UInt64, path: UInt32 = 0) -> DecisionCache.Key {
        DecisionCache.Key(high: 7, low: number, path: path)
    }

    private func isFound(_ cache: DecisionCache, _ key: DecisionCache.Key) -> Bool {
        cache.find(key) != nil
    }

    @Test func pathsAreKeptApart() {
        let cache = DecisionCache()
        cache.insert(key(1), Decision(access: .read, reason: .readOnly), text: "a")
        cache.insert(key(1, path: 2), Decision(access: .primary, reason: .locksRows), text: "a")
        #expect(cache.find(key(1))?.access == .read)
        #expect(cache.find(key(1, path: 2))?.access == .primary)
        #expect(!isFound(cache, key(1, path: 3)))
        #expect(cache.hits == 2)
    }

    @Test func whatIsUsedStaysWhenItIsFull() {
        var limits = DecisionCache.Limits()
        limits.entries = 100
        let cache = DecisionCache(limits: limits)
        let decision = Decision(access: .read, reason: .readOnly)
        for number in 0..<1_000 as Range<UInt64> {
            cache.insert(key(number), decision, text: "t")
            #expect(cache.count <= 100)
            #expect(isFound(cache, key(0)), "the one that is always asked for went at \(number)")
        }
        #expect(isFound(cache, key(999)))
        #expect(!isFound(cache, key(500)))
    }

    @Test func textIsBoundedAsWell() {
        var limits = DecisionCache.Limits()
        limits.bytes = 10_000
        let cache = DecisionCache(limits: limits)
        for number in 0..<500 as Range<UInt64> {
            cache.insert(
                key(number), Decision(access: .read, reason: .readOnly), text: String(repeating: "x", count: 5_000))
            #expect(cache.bytes <= 10_000)
            #expect(isFound(cache, key(number)))
        }
        #expect(cache.count < 10)
        cache.removeAll()
        #expect(cache.count == 0 && cache.bytes == 0 && !isFound(cache, key(499)))
    }

    @Test(arguments: [
        ("SELECT 1", "SELECT ?"), ("SELECT 'it''s' , a1", "SELECT ? , a1"),
        (#"SELECT E'\'' || "x""y 1""#, #"SELECT ? || "x""y 1""#),
        ("SELECT $1, $$a 'b$$, $t$ x $$ $t$", "SELECT $1, ?, ?"), ("a -- secret\n b", "a b"),
        ("a /* s /* e */ cret */ b", "a b"), ("INSERT  INTO t2\tVALUES (1.5e3, 0x1F)", "INSERT INTO t2 VALUES (?, ?)"),
        ("SELECT 'open", "SELECT ?"), ("SELECT $$open", "SELECT ?"), ("WHERE x='s'AND y=E'a\\'b'", "WHERE x=?AND y=?"),
        ("", ""), ("/* open", ""), (#"SELECT "open"#, #"SELECT "open"#),
    ])
    func constantsAreRemoved(_ sql: String, _ expected: String) {
        var sql = sql
        #expect(sql.withUTF8 { ConstantRemoval.text(of: $0) } == expected)
    }

    @Test func unparsedStatementsAreNamedWithoutConstants() {
        var log = UnparsedStatements()
        for number in 0..<40 { log.add("SELEC \(number % 35)") }
        log.add("SELEC 20")
        #expect(log.total == 41)
        #expect(log.items.count == UnparsedStatements.limit)
        #expect(log.items.last == UnparsedStatements.Item(text: "SELEC 20", count: 2))
    }
}
