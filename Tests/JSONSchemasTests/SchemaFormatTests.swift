import JSONSchemas
import Testing

/// The test suite of JSON Schema has most cases; these are what it leaves out.
@Suite("Formats")
struct SchemaFormatTests {
    private static let names = [
        "date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid",
        "json-pointer", "relative-json-pointer", "regex",
    ]

    private func isValid(_ format: String, _ text: String) throws -> Bool {
        try JSONSchema.compile(["format": .string(format)]).isValid(.string(text))
    }

    @Test(
        "valid",
        arguments: [
            ("date-time", "2000-02-29t00:00:00.5z"), ("time", "00:59:60+01:00"), ("time", "23:59:60-00:00"),
            ("duration", "P1Y2M3DT4H5M6S"), ("email", "a@[IPv6:::1]"), ("hostname", "a"), ("ipv6", "::ffff:1.2.3.4"),
            ("ipv6", "1::"), ("uri", "a:"), ("uri", "http://[v1.a:b]:80/?#"), ("uri-reference", ""),
            ("uri-reference", "?a"),
            ("uri-reference", "//a"), ("json-pointer", ""), ("relative-json-pointer", "0+1/a"),
            ("regex", "^(?<a>b)\\k<a>$"),
        ])
    func valid(_ format: String, _ text: String) throws { #expect(try isValid(format, text)) }

    @Test(
        "invalid",
        arguments: [
            ("date-time", "2000-02-29 00:00:00Z"), ("date", "1900-02-29"), ("date", "2000-00-01"),
            ("time", "24:00:00Z"),
            ("time", "12:00:60Z"), ("time", "12:00:00"), ("time", "12:00:00.Z"), ("duration", "P"),
            ("duration", "P1Y1D"),
            ("duration", "PT"), ("email", "a@"), ("email", "@a"), ("hostname", ""), ("hostname", "a..b"),
            ("hostname", "-a"),
            ("hostname", String(repeating: "a", count: 64)), ("ipv4", "1.2.3.04"), ("ipv6", "1:::2"),
            ("ipv6", "1:2:3:4:5:6:7"),
            ("ipv6", "::1%eth0"), ("uri", "a"), ("uri", "http://é/"), ("uri", "http://a:b/"), ("uri", "a:%4"),
            ("uri-reference", "1:a"), ("uuid", "6f1c1b1e8f0a4d7c9a510f3a2a1b4c5d"), ("relative-json-pointer", "01"),
            ("regex", "(?i)a"),
        ])
    func invalid(_ format: String, _ text: String) throws { #expect(try !isValid(format, text)) }

    @Test("random texts crash nothing")
    func random() throws {
        let schemas = try SchemaFormatTests.names.map { try JSONSchema.compile(["format": .string($0)]) }
        let pieces = [
            "2024", "-", "02", ":", "T", "Z", "+", ".", "/", "#", "?", "[", "]", "@", "%", "4", "P", "Y", "~", "0", "é",
            "\u{301}", "::", "\"",
            "\\", "a", "IPv6:", "1.2.3.4", "W", "//", " ", "\r\n", "😀",
        ]
        var random = SeededGenerator(seed: 5)
        var accepted = 0
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in random.pick(pieces) }.joined()
            for schema in schemas where schema.isValid(.string(text)) { accepted += 1 }
        }
        #expect(accepted > 1_000)
    }
}
