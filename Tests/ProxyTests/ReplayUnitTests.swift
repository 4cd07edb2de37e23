import PostgresWire
import Testing

@testable import Proxy

/// What a client may have seen of a unit that is asked again elsewhere: nothing.
@Suite("Units that may be asked again")
struct ReplayUnitTests {
    private func hold(_ unit: inout ReplayUnit, _ answers: [UInt8]) -> Bool {
        answers.withUnsafeBytes { unit.hold($0) }
    }

    private static let little =
        WireClient.message("1") + WireClient.message("2") + WireClient.message("t", [0, 0])
        + WireClient.message("T", [0, 1] + Array("name".utf8) + [UInt8](repeating: 0, count: 19))
        + WireClient.message("n")
        + WireClient.message("3")

    @Test("Answers that say little wait for one that says more; then all of them go, in their order")
    func order() {
        var unit = ReplayUnit()
        WireClient.query("SELECT 1").withUnsafeBytes { unit.keep($0, holdsBack: true) }
        #expect(unit.holdsBack)
        unit.hold(BackendTag.parseComplete)
        #expect(hold(&unit, Self.little))
        for more in ["D", "C", "E", "Z", "N", "S", "A", "I", "s", "G"] as [Character] {
            #expect(!hold(&unit, Self.little + WireClient.message(more, [0])))
        }
        // The beginning of a row.
        #expect(!hold(&unit, [UInt8(ascii: "D"), 0, 0, 1, 0, 0]))
        #expect(unit.release() == WireClient.message("1") + Self.little)
        #expect(!unit.holdsBack && unit.held.isEmpty && !unit.isEmpty)
    }

    @Test("Taken once, with nothing held back; kept anew, nothing of the last one is left")
    func taken() {
        var unit = ReplayUnit()
        #expect(unit.take() == nil)
        [1, 2, 3].withUnsafeBytes { unit.keep($0, holdsBack: true) }
        #expect(hold(&unit, Self.little))
        [4, 5].map(UInt8.init).withUnsafeBytes { unit.keep($0, holdsBack: true) }
        #expect(unit.held.isEmpty)
        unit.hold(BackendTag.closeComplete)
        #expect(unit.take() == [4, 5])
        #expect(unit.take() == nil && unit.held.isEmpty && !unit.holdsBack)
    }

    @Test("What is held is there until it is released, also when the unit is answered")
    func answered() {
        var unit = ReplayUnit()
        [1].withUnsafeBytes { unit.keep($0, holdsBack: true) }
        unit.hold(BackendTag.parseComplete)
        unit.answered()
        #expect(unit.isEmpty && unit.holdsBack)
        #expect(unit.release() == WireClient.message("1"))
    }

    @Test("What is held is bounded")
    func bounded() {
        var unit = ReplayUnit()
        [UInt8]().withUnsafeBytes { unit.keep($0, holdsBack: true) }
        let wide = WireClient.message("T", [UInt8](repeating: 0, count: 200_000))
        #expect(hold(&unit, wide))
        #expect(!hold(&unit, wide))
    }
}
