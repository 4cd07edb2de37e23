import JSONSchemas
import Testing

@Suite("Walking through JSON")
struct JSONScannerTests {
    /// The payloads of an array of objects, as they were written.
    private func payloads(_ text: String) throws(JSONError) -> [String] {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(JSONError) in
                var scanner = JSONScanner(raw)
                var found: [String] = []
                try scanner.beginArray()
                while try scanner.nextElement() {
                    try scanner.beginObject()
                    while let key = try scanner.nextKey() {
                        let (_, range) = try scanner.valueWithRange()
                        if key == "payload" { found.append(String(decoding: raw[range], as: UTF8.self)) }
                    }
                }
                try scanner.finish()
                return found
            }
        }
        return try result.get()
    }

    @Test("values within are given as they were written")
    func ranges() throws {
        let text = #" [ {"type":"a", "payload" : { "x": 1.50 , "y":"\u00e9" } }, {"payload":[ ]},{"payload":-0} , {}] "#
        #expect(try payloads(text) == [#"{ "x": 1.50 , "y":"\u00e9" }"#, "[ ]", "-0"])
        #expect(try payloads("[]") == [])
    }

    @Test(
        "everything is checked on the way",
        arguments: [
            ("{}", JSONError.Code.unexpectedType, 0), ("[1]", .unexpectedType, 1),
            (#"[{"payload":1,"payload":2}]"#, .duplicateKey, 14), (#"[{"payload":1},]"#, .syntax, 15),
            (#"[{"payload":1}] 1"#, .trailingBytes, 16), (#"[{"payload":{"a":1,"a":2}}]"#, .duplicateKey, 19),
            (#"[{"payload" 1}]"#, .syntax, 12), ("[{", .endOfText, 2), ("", .endOfText, 0),
        ])
    func refused(_ text: String, _ code: JSONError.Code, _ offset: Int) {
        do throws(JSONError) {
            _ = try payloads(text)
            Issue.record("accepted")
        } catch {
            #expect(error.code == code)
            #expect(error.offset == offset)
        }
    }

    @Test("what was entered counts for the depth, and has to be left")
    func depth() {
        Array("[[[1]]]".utf8).withUnsafeBytes { raw in
            var scanner = JSONScanner(raw, limits: JSONLimits(depth: 3))
            #expect(throws: Never.self) {
                try scanner.beginArray()
                #expect(try scanner.nextElement())
                #expect(try scanner.value() == [[1]])
            }
            #expect(throws: JSONError.self) { try scanner.finish() }
            var shallow = JSONScanner(raw, limits: JSONLimits(depth: 2))
            #expect(throws: JSONError.self) {
                try shallow.beginArray()
                _ = try shallow.nextElement()
                _ = try shallow.value()
            }
        }
    }
}
