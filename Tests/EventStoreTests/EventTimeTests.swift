import Foundation
import Testing

@testable import EventStore

@Suite("Events: times as text")
struct EventTimeTests {
    @Test(
        "To the millisecond, in any year",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_341_858_283, "2026-11-22T10:04:18.283Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_001, "2000-02-29T00:00:00.001Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        ])
    func written(_ milliseconds: Int, _ text: String) {
        #expect(EventTime.text(milliseconds: milliseconds) == text)
        #expect(EventTime.date(text) == Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
    }

    @Test("A date that holds a millisecond only nearly is not written one earlier")
    func whole() {
        for milliseconds in 1_795_327_200_000..<1_795_327_201_000 {
            let text = EventTime.text(Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
            #expect(text == EventTime.text(milliseconds: milliseconds))
        }
    }

    @Test(
        "Times of RFC 3339 are read, with any offset",
        arguments: [
            ("2026-11-22T06:00:00Z", 1_795_327_200), ("2026-11-22t06:00:00.1239z", 1_795_327_200.123),
            ("2026-11-22T06:00:00.1+01:00", 1_795_323_600.1), ("2024-02-29T23:59:59+21:44", 1_709_172_959),
            ("0531-02-07T19:35:52-00:01", -45_407_190_188), ("2016-12-31T23:59:60Z", 1_483_228_799),
        ])
    func read(_ text: String, _ seconds: Double) {
        #expect(EventTime.date(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test(
        "What is no time is refused",
        arguments: [
            "", "now", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22", "2026-11-22T06:00:00",
            "2026-11-22 06:00:00Z",
        ])
    func refused(_ text: String) { #expect(EventTime.date(text) == nil) }
}
