import Testing

@testable import Proxy

/// Positions in the log, and which sample covers which.
@Suite struct FreshnessPositionTests {
    @Test("A position is read and printed as PostgreSQL does", arguments: ["0/0", "0/1500790", "16/B374D848"])
    func text(_ text: String) throws {
        #expect(try #require(WALPosition(text)).description == text)
    }

    @Test("What is not a position is not read", arguments: ["", "/", "1", "1/2/3", "x/1", "123456789/0", "0/-1"])
    func malformed(_ text: String) {
        #expect(WALPosition(text) == nil)
    }

    @Test("Behind a page's header there is nothing yet: the record before ended with the page before")
    func headers() {
        let geometry = WALGeometry.usual
        func end(_ bytes: UInt64) -> UInt64 { geometry.endOfRecord(before: WALPosition(bytes: bytes)).bytes }
        let page: UInt64 = 8192
        let segment: UInt64 = 16 << 20
        #expect(end(5 * page + 24) == 5 * page)
        #expect(end(segment + 40) == segment)
        #expect(end(5 * page + 40) == 5 * page + 40, "16 bytes on an ordinary page are a record's")
        #expect(end(5 * page + 32) == 5 * page + 32)
        #expect(end(5 * page) == 5 * page)
        #expect(end(5 * page - 8) == 5 * page - 8)
        let small = WALGeometry(page: 8192, segment: 1 << 20)
        #expect(small.endOfRecord(before: WALPosition(bytes: 3 << 20 | 40)).bytes == 3 << 20)
    }

    @Test("The newest sample that a replica has all of")
    func covered() {
        var positions = SampledPositions()
        for (tick, place) in [(1, 100), (2, 200), (3, 200), (5, 300)] {
            add(tick: UInt64(tick), position: at(place), began: UInt64(tick) * 10, to: &positions)
        }
        #expect(positions.covered(by: at(99)) == nil)
        #expect(positions.covered(by: at(100))?.tick == 1)
        #expect(positions.covered(by: at(199))?.tick == 1)
        #expect(positions.covered(by: at(200))?.tick == 3, "the newer of two at one position")
        #expect(positions.covered(by: at(200))?.began == 30)
        #expect(positions.covered(by: at(999))?.tick == 5)
        #expect(positions.missing(at: at(199))?.firstBegan == 20, "missing since the first of the two")
        #expect(positions.missing(at: at(300)) == nil)
    }

    @Test("A position that goes back is another history; a sample that was overtaken is ignored")
    func backwards() {
        var positions = SampledPositions()
        add(tick: 4, position: at(100), began: 1, to: &positions)
        add(tick: 3, position: at(50), began: 1, to: &positions)
        #expect(positions.newest?.tick == 4)
        let before = positions
        let isSameHistory = positions.add(tick: 5, position: at(99), began: 2)
        #expect(!isSameHistory)
        #expect(positions == before)
    }

    @Test("Memory is bounded, and what is forgotten makes a replica look older, never newer")
    func bounded() throws {
        var positions = SampledPositions()
        let count = 50_000
        for tick in 1...count {
            add(tick: UInt64(tick), position: at(tick * 8), began: UInt64(tick), to: &positions)
        }
        #expect(positions.entries.count <= SampledPositions.capacity)
        #expect(positions.covered(by: at(count * 8))?.tick == UInt64(count))
        for behind in stride(from: 1, to: count, by: 997) {
            let covered = positions.covered(by: at((count - behind) * 8))?.tick ?? 0
            #expect(covered <= UInt64(count - behind))
            if behind < 1000 { #expect(covered == UInt64(count - behind), "the recent past is exact") }
        }
    }

    private func add(
        tick: UInt64, position: WALPosition, began: UInt64, to positions: inout SampledPositions,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isSameHistory = positions.add(tick: tick, position: position, began: began)
        #expect(isSameHistory, sourceLocation: sourceLocation)
    }

    private func at(_ bytes: Int) -> WALPosition { WALPosition(bytes: UInt64(bytes)) }
}
