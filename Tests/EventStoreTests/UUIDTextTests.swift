import Foundation
import Testing

@testable import EventStore

@Suite("Events: ids as text")
struct UUIDTextTests {
    @Test("As Foundation writes them, in lower case, and read in either")
    func bothWays() {
        for _ in 0..<200 {
            let id = UUID()
            #expect(id.text == id.uuidString.lowercased())
            #expect(UUID(text: id.text) == id)
            #expect(UUID(text: id.uuidString) == id)
        }
    }

    @Test(
        "What is no id is none",
        arguments: [
            "", "animals", "01a20423-27eb-70c3-b1d8-08d42932cca", "01a20423-27eb-70c3-b1d8-08d42932cca55",
            "01a2042327eb70c3b1d808d42932cca5", "01a20423-27eb-70c3-b1d8-08d42932ccag",
            "01a20423_27eb-70c3-b1d8-08d42932cca5", "{01a20423-27eb-70c3-b1d8-08d42932cc}",
            "01a20423-27eb-70c3-b1d8-08d42932cc-5", "01a2042327-eb-70c3-b1d8-08d42932cca5",
            "0１a20423-27eb-70c3-b1d8-08d42932cc",
        ])
    func others(text: String) {
        #expect(UUID(text: text) == nil)
    }
}
