import JSONSchemas
import Testing

@Suite("Numbers, exactly")
struct JSONNumberTests {
    private func number(_ text: String) throws -> JSONNumber { try #require(JSONNumber(text)) }

    @Test(
        "one value, written in several ways",
        arguments: [
            ["1", "1.0", "10e-1", "0.1e1", "1.000"], ["0", "-0", "0.0", "-0.0e5", "0e1000"],
            ["100", "1e2", "1E+2", "10.0e1"],
            ["9223372036854775807", "9223372036854775807.0", "922337203685477580.7e1"],
            ["-9223372036854775808", "-9.223372036854775808e18"],
            ["9223372036854775808", "9223372036854775808.00", "9223372036854775808000e-3"],
            ["0.1", "1e-1", "100e-3"], ["1e1000", "10e999", "1000e997"],
        ])
    func equality(_ texts: [String]) throws {
        let first = try number(texts[0])
        for text in texts.dropFirst() {
            #expect(try number(text) == first, "\(text)")
            #expect(try number(text).hashValue == first.hashValue, "\(text)")
            #expect(try !(number(text) < first))
        }
    }

    @Test("as it was written")
    func text() throws {
        for text in ["1", "-7", "1.0", "-0", "1E+2", "0.10", "123456789012345678901234567890", "9223372036854775807"] {
            #expect(try number(text).text == text)
        }
        #expect(JSONNumber(-12).text == "-12")
    }

    @Test("order")
    func order() throws {
        let ordered = [
            "-1e1000", "-12345678901234567890123", "-9223372036854775808", "-2", "-1.5", "-1e-1000", "0", "1e-1000",
            "0.1",
            "0.10000000000000000000000000000000001", "1", "1.5", "9007199254740992", "9007199254740993",
            "9223372036854775807", "9223372036854775808", "1e1000",
        ]
        let numbers = try ordered.map(number)
        for (left, right) in zip(numbers, numbers.dropFirst()) {
            #expect(left < right, "\(left.text) \(right.text)")
            #expect(!(right < left))
        }
    }

    @Test("integers")
    func integers() throws {
        for text in ["1", "1.0", "1e3", "1.5e1", "1e1000", "12345678901234567890", "100e-2", "-0.0"] {
            #expect(try number(text).isInteger, "\(text)")
        }
        for text in ["1.5", "1e-1", "1e-1000", "12345678901234567890.1", "105e-2"] {
            #expect(try !number(text).isInteger, "\(text)")
        }
        #expect(try number("1e2").int == 100)
        #expect(try number("9223372036854775808").int == nil)
    }

    @Test("multiples, without rounding")
    func multiples() throws {
        let yes = [
            ("9", "3"), ("0", "7"), ("4.5", "1.5"), ("0.3", "0.1"), ("1.1", "0.1"), ("-4", "2"), ("1e1000", "1e-1000"),
            ("0.0000000075", "0.0000000001"), ("19.99", "0.01"), ("12345678901234567890", "10"), ("1e308", "0.5"),
            ("-9223372036854775808", "1"), ("9223372036854775808", "9223372036854775808"),
        ]
        for (value, divisor) in yes {
            #expect(try number(value).isMultiple(of: number(divisor)), "\(value) \(divisor)")
        }
        let no = [
            ("10", "3"), ("0.35", "0.1"), ("0.00000000075", "0.0000000001"), ("1e-1000", "1"),
            ("12345678901234567891", "10"), ("1", "1e1000"),
        ]
        for (value, divisor) in no {
            #expect(try !number(value).isMultiple(of: number(divisor)), "\(value) \(divisor)")
        }
    }

    @Test(
        "texts that are no numbers", arguments: ["", "-", "1.", ".1", "01", "1e", "0x1", "1 ", " 1", "1e1001", "NaN"])
    func refused(_ text: String) { #expect(JSONNumber(text) == nil) }
}
