import Foundation
import JSONSchemas
import Testing

@Suite("Reading JSON")
struct JSONParserTests {
    private func failure(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONParser.parse(bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func failure(_ text: String, limits: JSONLimits = JSONLimits()) -> JSONError? {
        failure(Array(text.utf8), limits: limits)
    }

    @Test("values of every type, white space around them")
    func values() throws {
        let text =
            " {\"a\" : [ 1 ,-0.50,true, false,null ] ,\r\n\t\"\\u00e9\\ud83d\\ude00\\/\\n\":\"x\" , \"e\":{},\"f\":[]} "
        let expected: JSONValue = [
            "a": [1, .number(try #require(JSONNumber("-0.5"))), true, false, nil], "é😀/\n": "x", "e": [:], "f": [],
        ]
        let value = try JSONParser.parse(text)
        #expect(value == expected)
        #expect(JSONWriter.text(value) == #"{"a":[1,-0.50,true,false,null],"é😀/\n":"x","e":{},"f":[]}"#)
        #expect(try JSONParser.parse("7") == 7)
    }

    @Test(
        "what is not JSON is refused, with its place",
        arguments: [
            ("", JSONError.Code.endOfText, 0), (" ", .endOfText, 1), ("[1,]", .syntax, 3), ("[,1]", .syntax, 1),
            ("{\"a\":1,}", .syntax, 7), ("{a:1}", .syntax, 1), ("{\"a\" 1}", .syntax, 5), ("{\"a\":}", .syntax, 5),
            ("[1 2]", .syntax, 3), ("[1", .endOfText, 2), ("{\"a\"", .endOfText, 4), ("\"abc", .endOfText, 4),
            ("01", .syntax, 0), ("-", .endOfText, 1), ("1.", .endOfText, 2), (".5", .syntax, 0), ("1e", .endOfText, 2),
            ("+1", .syntax, 0), ("0x10", .trailingBytes, 1), ("NaN", .syntax, 0), ("nul", .syntax, 0),
            ("True", .syntax, 0), ("'a'", .syntax, 0), ("\"\\x\"", .syntax, 1), ("\"\\u12g4\"", .syntax, 5),
            ("\"\t\"", .syntax, 1), ("\"\n\"", .syntax, 1), ("1 1", .trailingBytes, 2), ("[]]", .trailingBytes, 2),
            ("// a\n1", .syntax, 0), ("\"\\u0000\"", .nulCharacter, 1), ("[\"\\ud800\"]", .loneSurrogate, 2),
            ("\"\\udc00\"", .loneSurrogate, 1), ("\"\\ud800\\u0041\"", .loneSurrogate, 1),
            ("\"\\ud800x\"", .loneSurrogate, 1), ("{\"a\":1,\"b\":2,\"\\u0061\":3}", .duplicateKey, 13),
            ("\u{FEFF}1", .byteOrderMark, 0), ("1\u{A0}", .trailingBytes, 1),
        ])
    func refused(_ text: String, _ code: JSONError.Code, _ offset: Int) throws {
        let error = try #require(failure(text))
        #expect(error.code == code)
        #expect(error.offset == offset)
        #expect(!error.message.isEmpty)
    }

    @Test("bytes that are not UTF-8 are refused where they begin")
    func encoding() {
        let wrong: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98],
        ]
        for bytes in wrong {
            let found = failure([0x5B, 0x22, 0x61] + bytes + [0x22, 0x5D])
            #expect(found?.code == .encoding, "\(bytes)")
            #expect(found?.offset == 3, "\(bytes)")
            #expect(failure([0x22, 0x5C, 0x6E] + bytes + [0x22])?.offset == 3, "\(bytes)")
        }
        #expect(failure([0x22, 0x00, 0x22])?.code == .syntax)
    }

    @Test("lines end with LF, CR LF or CR; columns count characters")
    func places() throws {
        let error = try #require(failure("{\n\"é\": 1,\r\n  \"b\": x}"))
        #expect(error.offset == 19)
        #expect((error.line, error.column) == (3, 8))
        #expect(error.description == "line 3, column 8: a value is expected here, not x")
        let second = try #require(failure("[\r1,\r\r ?]"))
        #expect((second.line, second.column) == (4, 2))
    }

    @Test("limits")
    func limits() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(failure(nested(64)) == nil)
        #expect(failure(nested(65))?.code == .tooDeep)
        #expect(failure(nested(65))?.offset == 64)
        #expect(failure(String(repeating: "{\"a\":", count: 100_000))?.code == .tooDeep)
        #expect(failure(nested(4), limits: JSONLimits(depth: 3))?.code == .tooDeep)
        #expect(JSONLimits(depth: 1_000_000).depth == 256)
        #expect(failure(nested(256), limits: JSONLimits(depth: 256)) == nil)

        #expect(failure("[1,2]", limits: JSONLimits(bytes: 4))?.code == .tooLong)
        #expect(failure("[1,2]", limits: JSONLimits(bytes: 5)) == nil)

        let long = String(repeating: "1", count: 1_000)
        #expect(failure(long) == nil)
        #expect(failure(long + "1")?.code == .numberTooLong)
        #expect(failure("1e1000") == nil)
        #expect(failure("1e-1000") == nil)
        #expect(failure("1e1001")?.code == .exponentTooLarge)
        #expect(failure("1E-0001001")?.code == .exponentTooLarge)
        #expect(failure("1e99999999999999999999")?.code == .exponentTooLarge)
        #expect(failure("0e00000000000000000000000001000") == nil)

        #expect(failure("\"\\u0000\"", limits: JSONLimits(allowsNulCharacter: true)) == nil)
    }

    @Test("keys are compared code point by code point, however many there are")
    func keys() throws {
        #expect(failure("{\"é\":1,\"e\u{301}\":2}") == nil)
        let many = (0..<40).map { "\"k\($0)\":\($0)" }
        let value = try JSONParser.parse("{\(many.joined(separator: ","))}")
        #expect(value["k7"] == 7)
        #expect(value["k39"] == 39)
        #expect(value["k40"] == nil)
        #expect(failure("{\(many.joined(separator: ",")),\"k3\":0}")?.code == .duplicateKey)
        #expect(failure("{\(many.joined(separator: ",")),\"k39\":0}")?.code == .duplicateKey)
    }

    @Test("equality: by value, whatever the order of members")
    func equality() throws {
        func value(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }
        #expect(try value("{\"a\":1,\"b\":[2.0]}") == value("{\"b\":[2],\"a\":1.0}"))
        #expect(try value("{\"a\":1,\"b\":[2.0]}").hashValue == value("{\"b\":[2],\"a\":1.0}").hashValue)
        #expect(try value("[1,2]") != value("[2,1]"))
        #expect(try value("\"é\"") != value("\"e\\u0301\""))
        #expect(try value("0") != value("false"))
        #expect(try value("{\"a\":1}") != value("{\"a\":1,\"b\":1}"))
    }

    @Test("random bytes: nothing crashes, and what is accepted Foundation accepts as well")
    func random() throws {
        let seeds = [
            #"{"a":[1,-2.5e3,true,null],"b":{"c":"x\n\u00e9","d":[]}}"#, #"[[],{},"\ud83d\ude00",0,-0,1.5E+2,"é"]"#,
            #"{"key":"value","n":12345678901234567890,"t":false}"#,
        ].map { Array($0.utf8) }
        let spice = Array(#"{}[],:"\0123456789.eE+-truefalsn u/"#.utf8) + [0, 0x0A, 0x7F, 0x80, 0xC3, 0xA9, 0xED, 0xFF]
        var random = SeededGenerator(seed: 7)
        var accepted = 0
        for _ in 0..<30_000 {
            var bytes = random.pick(seeds)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = random.pick(spice)
                case 1: bytes.insert(random.pick(spice), at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            // Foundation has no number beyond 1e308.
            guard let value = try? JSONParser.parse(bytes, limits: JSONLimits(exponent: 99)) else { continue }
            accepted += 1
            #expect(try JSONParser.parse(JSONWriter.bytes(value)) == value)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(throws: Never.self, "\(text)") {
                _ = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
            }
        }
        #expect(accepted > 1_000)
    }

    @Test("Exponents are counted as the digits that they stand for: a few bytes do not become thousands")
    func exponents() throws {
        let limits = JSONLimits(bytes: 10_000)
        #expect(throws: Never.self) { try JSONParser.parse("[1e900, 1e-900, 1.5E+3]", limits: limits) }
        do {
            _ = try JSONParser.parse(
                "[" + Array(repeating: "1e999", count: 20).joined(separator: ",") + "]", limits: limits)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .tooLong)
        }
    }
}
