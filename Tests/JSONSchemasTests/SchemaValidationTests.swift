import Foundation
import JSONSchemas
import Testing

@Suite("Checking values")
struct SchemaValidationTests {
    private func violations(_ schema: String, _ value: String, limit: Int = 100) throws -> [SchemaViolation] {
        try JSONSchema.compile(JSONParser.parse(schema)).validate(JSONParser.parse(value), limit: limit)
    }

    @Test("all mistakes, with their places and the keywords that say so")
    func all() throws {
        let found = try violations(
            #"""
            {"$id": "https://example.com/order", "type": "object", "required": ["id", "lines"], "additionalProperties": false,
             "properties": {"id": {"type": "string", "pattern": "^[0-9]+$"}, "total": {"$ref": "#/$defs/money"},
               "lines": {"minItems": 2, "items": {"properties": {"a/b": {"type": "integer", "minimum": 1}}}}},
             "$defs": {"money": {"type": ["number", "null"], "multipleOf": 0.01}}}
            """#,
            #"{"id": "x7", "total": 1.005, "lines": [{"a/b": 0.5}], "nots": null}"#)
        #expect(
            found.map { "\($0.instance) \($0.keyword) \($0.message)" } == [
                #"/id https://example.com/order#/properties/id/pattern "x7" does not match "^[0-9]+$""#,
                "/total https://example.com/order#/$defs/money/multipleOf 1.005 is not a multiple of 0.01",
                "/lines https://example.com/order#/properties/lines/minItems has 1 element, fewer than 2",
                "/lines/0/a~1b https://example.com/order#/properties/lines/items/properties/a~1b/type "
                    + "0.5 is a number with a fraction, not integer",
                "/lines/0/a~1b https://example.com/order#/properties/lines/items/properties/a~1b/minimum 0.5 is less than 1",
                "/nots https://example.com/order#/additionalProperties no such property is allowed",
            ])
    }

    @Test(
        "messages",
        arguments: [
            (#"{"type": "integer"}"#, #""7""#, #""7" is a string, not integer"#),
            (#"{"type": ["integer", "null"]}"#, "[]", "[] is an array, not null or integer"),
            (#"{"enum": ["a", 1, null]}"#, #""b""#, #""b" is none of "a", 1, null"#),
            (#"{"const": {"a": 1}}"#, "{}", #"{} is not {"a":1}"#),
            (#"{"maxLength": 2}"#, #""😀éa""#, #""😀éa" has 3 characters, more than 2"#),
            (#"{"format": "date"}"#, #""2023-02-29""#, #""2023-02-29" is no date"#),
            (#"{"required": ["a"]}"#, "{}", #"the property "a" is missing"#),
            (#"{"dependentRequired": {"a": ["b"]}}"#, #"{"a": 1}"#, #"the property "b" is missing, which "a" needs"#),
            (
                #"{"propertyNames": {"maxLength": 1}}"#, #"{"ab": 1}"#,
                #"the name of the property "ab" is not allowed: "ab" has 2 characters, more than 1"#
            ),
            (#"{"uniqueItems": true}"#, #"[1, {"a": 1}, 1.0]"#, "the elements 0 and 2 are equal: 1.0"),
            (#"{"contains": {"type": "null"}}"#, "[1]", "the schema of contains is obeyed by 0 elements, fewer than 1"),
            (#"{"not": {"type": "null"}}"#, "null", "null obeys a schema that it must not obey"),
            (
                #"{"anyOf": [{"type": "null"}, {"properties": {"a": {"minimum": 3}}, "type": "object"}]}"#,
                #"{"a": 1}"#,
                #"{"a":1} obeys none of the alternatives: (0) {"a":1} is an object, not null; (1) /a: 1 is less than 3"#
            ),
            (
                #"{"oneOf": [true, {"type": "null"}, {"const": null}]}"#, "null",
                "null obeys more than one of the alternatives: 0, 1, 2"
            ),
            (#"{"prefixItems": [true], "items": false}"#, "[1, 2]", "no further element is allowed"),
            (
                #"{"properties": {"a": true}, "unevaluatedProperties": false}"#, #"{"b": 1}"#,
                "no such property is allowed"
            ),
            ("false", "1", "nothing is allowed here"),
        ])
    func messages(_ schema: String, _ value: String, _ message: String) throws {
        #expect(try violations(schema, value).map(\.message) == [message])
    }

    @Test("found values are shortened")
    func shortened() throws {
        let long = "\"\(String(repeating: "é", count: 10_000))\""
        let message = try #require(try violations(#"{"type": "null"}"#, long).first?.message)
        #expect(message.count < 120)
        let nested = "[\((0..<10_000).map(String.init).joined(separator: ","))]"
        #expect(try #require(try violations(#"{"type": "null"}"#, nested).first?.message).count < 120)
    }

    @Test("no more mistakes than asked for")
    func limit() throws {
        let many = "[\(Array(repeating: "1", count: 500).joined(separator: ","))]"
        let schema = #"{"items": {"type": "string"}}"#
        #expect(try violations(schema, many).count == 100)
        #expect(try violations(schema, many, limit: 3).map(\.instance.description) == ["/0", "/1", "/2"])
        #expect(try violations(schema, many, limit: 0).count == 1)
    }

    @Test("what only one alternative looked at does not count when it failed")
    func evaluated() throws {
        let schema = #"""
            {"anyOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": true}}],
             "unevaluatedProperties": false}
            """#
        #expect(try violations(schema, #"{"a": "x"}"#).isEmpty)
        #expect(try violations(schema, #"{"b": 1}"#).isEmpty)
        #expect(try violations(schema, #"{"a": 1, "b": 1}"#).map(\.instance.description) == ["/a"])
    }

    @Test("built-in meta-schemas can be referred to")
    func metaSchemas() throws {
        for dialect in SchemaDialect.allCases {
            let schema = try JSONSchema.compile(["$ref": .string(dialect.uri)])
            #expect(schema.isValid(["type": "string", "properties": ["a": true]]))
            #expect(!schema.isValid(["properties": ["a": ["minLength": -1]]]))
            #expect(schema.ignored.isEmpty)
        }
    }

    @Test("the deepest values and schemas need no large stack")
    func stack() async throws {
        let limits = JSONLimits(depth: 256)
        let deep = String(repeating: #"{"a":["#, count: 128) + String(repeating: "]}", count: 128)
        let value = try JSONParser.parse(deep, limits: limits)
        let text = ##"{"properties": {"a": {"items": {"allOf": [{"$ref": "#"}]}}}, "unevaluatedProperties": false}"##
        let schema = try JSONSchema.compile(JSONParser.parse(text))
        let wider = try JSONSchema.compile(JSONParser.parse(text.replacing("false", with: "true")))
        let outcome = await withCheckedContinuation { continuation in
            let thread = Thread {
                let parsed = try? JSONParser.parse(deep, limits: limits)
                _ = SchemaCompatibility.check(old: schema, new: wider, rule: .full)
                continuation.resume(returning: (parsed == value, schema.validate(value).map(\.message)))
            }
            thread.stackSize = 2 << 20
            thread.start()
        }
        #expect(outcome.0)
        #expect(outcome.1 == ["more than 250 schemas lie within each other here"])
    }

    @Test("one schema, many threads")
    func threads() async throws {
        let schema = try JSONSchema.compile(
            try JSONParser.parse(
                ##"{"properties": {"a": {"pattern": "^(x|y)+$", "format": "email"}}, "additionalProperties": {"$ref": "#"}}"##
            ))
        let good = try JSONParser.parse(#"{"b": {"c": {}}}"#)
        let bad = try JSONParser.parse(#"{"b": {"a": "xyz"}}"#)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<300).allSatisfy { _ in
                        schema.isValid(good) && !schema.isValid(bad) && schema.validate(bad).count == 2
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
