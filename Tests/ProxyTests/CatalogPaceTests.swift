import Testing

@testable import Proxy

/// When definitions that have changed are read.
@Suite struct CatalogPaceTests {
    private static let quiet = CatalogPace.quiet.nanoseconds
    private static let longest = CatalogPace.longest.nanoseconds

    private func isDue(_ pace: inout CatalogPace, at now: UInt64, changes: UInt64, isWanted: Bool = false) -> Bool {
        pace.isDue(now: now, changes: changes, isWanted: isWanted)
    }

    @Test func oneChangeIsReadOnceItIsQuiet() {
        var pace = CatalogPace(now: 5, changes: 1)
        let due = [5, 4 + Self.quiet, 5 + Self.quiet].map { isDue(&pace, at: $0, changes: 1) }
        #expect(due == [false, false, true])
    }

    @Test func changesInARowAreReadTogetherButNotPutOffForEver() {
        var pace = CatalogPace(now: 0, changes: 1)
        let step = Self.quiet / 2
        var (now, changes) = (UInt64(0), UInt64(1))
        while now + step < Self.longest {
            now += step
            changes += 1
            let due = isDue(&pace, at: now, changes: changes)
            #expect(!due)
        }
        #expect(changes > 10)
        let due = isDue(&pace, at: Self.longest, changes: changes + 1)
        #expect(due)
    }

    @Test func whoeverNeedsItHasItReadAtOnce() {
        var pace = CatalogPace(now: 0, changes: 1)
        let due = isDue(&pace, at: 0, changes: 1, isWanted: true)
        #expect(due)
    }
}
