import JSONSchemas
import Testing

@Suite("Compatibility of schemas")
struct SchemaCompatibilityTests {
    private func schema(_ text: String, _ dialect: SchemaDialect = .draft202012) throws -> JSONSchema {
        try JSONSchema.compile(JSONParser.parse(text), dialect: dialect)
    }

    private func keywords(_ old: String, _ new: String, _ rule: SchemaCompatibility.Rule) throws -> [String] {
        try SchemaCompatibility.check(old: schema(old), new: schema(new), rule: rule).map(\.keyword)
    }

    /// The narrow schema's values are all of the wide one's, and not the other way round.
    @Test(
        "widening is backward compatible, narrowing is forward compatible",
        arguments: [
            ("true", #"{"type": "null"}"#), (#"{"type": ["string", "null"]}"#, #"{"type": "string"}"#),
            (#"{"type": "number"}"#, #"{"type": "integer"}"#), (#"{"enum": [1, 2, "a"]}"#, #"{"enum": ["a", 1.0]}"#),
            (#"{"enum": [1, 2]}"#, #"{"const": 2}"#), (#"{"type": "integer"}"#, #"{"enum": [1, 2]}"#),
            (#"{"type": ["boolean", "null"]}"#, #"{"type": "boolean"}"#),
            (#"{"enum": [true, false, 1]}"#, #"{"type": "boolean"}"#),
            (#"{"minimum": 1}"#, #"{"minimum": 2}"#), (#"{"minimum": 1}"#, #"{"exclusiveMinimum": 1}"#),
            (#"{"exclusiveMaximum": 5}"#, #"{"maximum": 4.9}"#), (#"{"multipleOf": 0.5}"#, #"{"multipleOf": 1.5}"#),
            (#"{"multipleOf": 0.5}"#, #"{"type": ["integer", "string"]}"#),
            (#"{"minLength": 1}"#, #"{"minLength": 2}"#),
            (#"{"maxLength": 5}"#, #"{"maxLength": 2, "pattern": "a"}"#),
            (#"{"pattern": "a"}"#, #"{"pattern": "a", "minLength": 2}"#),
            (#"{"format": "date"}"#, #"{"format": "date", "maxLength": 10}"#),
            (#"{"format": "date"}"#, #"{"enum": ["2024-02-29", 1]}"#),
            (#"{"minItems": 1}"#, #"{"minItems": 2}"#),
            (#"{"maxItems": 2}"#, #"{"prefixItems": [true], "items": false}"#),
            (#"{"uniqueItems": true}"#, #"{"maxItems": 1}"#),
            (#"{"items": {"type": "number"}}"#, #"{"items": {"type": "integer"}}"#),
            (
                #"{"items": {"type": "number"}}"#,
                #"{"prefixItems": [{"type": "integer"}], "items": {"type": "number"}}"#
            ),
            (#"{"prefixItems": [{"type": "number"}]}"#, #"{"items": {"type": "number"}}"#),
            (#"{"contains": {"type": "number"}}"#, #"{"contains": {"type": "integer"}}"#),
            (#"{"contains": {"type": "number"}}"#, #"{"items": {"type": "number"}, "minItems": 1}"#),
            (#"{"contains": true, "minContains": 1}"#, #"{"contains": true, "minContains": 2}"#),
            (#"{"contains": {"const": 1}, "minContains": 0, "maxContains": 3}"#, #"{"maxItems": 2}"#),
            (#"{"required": ["a"]}"#, #"{"required": ["a", "b"]}"#),
            (#"{"minProperties": 2}"#, #"{"required": ["a", "b"]}"#),
            (#"{"maxProperties": 1}"#, #"{"properties": {"a": true}, "additionalProperties": false}"#),
            (#"{"properties": {"a": {"type": "number"}}}"#, #"{"properties": {"a": {"type": "integer"}, "b": true}}"#),
            (#"{"properties": {"a": {"type": "number"}}}"#, #"{"additionalProperties": {"type": "integer"}}"#),
            (
                #"{"properties": {"a": {}, "b": {}}, "additionalProperties": false}"#,
                #"{"properties": {"a": {}}, "additionalProperties": false}"#
            ),
            (
                #"{"additionalProperties": {"type": "number"}}"#,
                #"{"properties": {"a": {"type": "integer"}}, "additionalProperties": false}"#
            ),
            (
                #"{"patternProperties": {"^a": {"type": "number"}}}"#,
                #"{"patternProperties": {"^a": {"type": "integer"}}}"#
            ),
            (#"{"patternProperties": {"^a": {"type": "number"}}}"#, #"{"additionalProperties": {"type": "integer"}}"#),
            (
                #"{"patternProperties": {"^a": {}}, "additionalProperties": false}"#,
                #"{"properties": {"ab": {}}, "additionalProperties": false}"#
            ),
            (#"{"propertyNames": {"maxLength": 3}}"#, #"{"propertyNames": {"maxLength": 2}}"#),
            (#"{"propertyNames": {"maxLength": 3}}"#, #"{"properties": {"abc": {}}, "additionalProperties": false}"#),
            (#"{"dependentRequired": {"a": ["b"]}}"#, #"{"required": ["b"]}"#),
            (#"{"dependentRequired": {"a": ["b"]}}"#, #"{"dependentRequired": {"a": ["b", "c"]}}"#),
            (
                #"{"dependentSchemas": {"a": {"required": ["b"]}}}"#,
                #"{"dependentSchemas": {"a": {"required": ["b", "c"]}}}"#
            ),
            (
                #"{"type": "object"}"#,
                ##"{"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "required": ["a"]}}}"##
            ),
            (#"{"allOf": [{"minimum": 1}, {"maximum": 3}]}"#, #"{"minimum": 1, "maximum": 2}"#),
            (#"{"minimum": 1}"#, #"{"allOf": [{"minimum": 1}, {"maximum": 2}]}"#),
            (#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#, #"{"type": "string"}"#),
            (#"{"type": ["string", "null", "array"]}"#, #"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#),
            (
                #"{"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "number"}]}"#,
                #"{"type": ["string", "null"]}"#
            ),
            (#"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#, #"{"type": "string", "minLength": 1}"#),
            (
                #"{"oneOf": [{"required": ["t"], "properties": {"t": {"const": "a"}}}, {"required": ["t"], "properties": {"t": {"const": "b"}}}]}"#,
                #"{"type": "object", "required": ["t", "x"], "properties": {"t": {"const": "b"}}}"#
            ),
            (#"{"not": {"type": "string"}}"#, #"{"type": "null"}"#),
            (#"{"not": {"type": "integer"}}"#, #"{"not": {"type": "number"}}"#),
            (
                #"{"if": {"type": "string"}, "then": {"minLength": 1}}"#,
                #"{"if": {"type": "string"}, "then": {"minLength": 2}}"#
            ),
            (#"{"if": {"type": "string"}, "then": {"minLength": 1}}"#, #"{"type": "null"}"#),
            (#"{"if": {"required": ["a"]}, "then": {"required": ["b"]}}"#, #"{"required": ["b"]}"#),
            (
                ##"{"properties": {"next": {"$ref": "#"}, "v": {"type": "number"}}}"##,
                ##"{"properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}}"##
            ),
            (#"{"type": "object"}"#, "false"),
            (#"{"type": "string"}"#, #"{"type": "string", "maxLength": 1, "minLength": 1}"#),
        ] + recursive)
    func oneWay(_ wide: String, _ narrow: String) throws {
        #expect(try keywords(narrow, wide, .backward) == [], "backward")
        #expect(try keywords(wide, narrow, .forward) == [], "forward")
        #expect(try !keywords(wide, narrow, .backward).isEmpty)
        #expect(try !keywords(narrow, wide, .forward).isEmpty)
        #expect(try !keywords(narrow, wide, .full).isEmpty)
        #expect(try keywords(wide, narrow, .none) == [])
    }

    private static let recursive = [
        (
            ##"{"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"l": {"items": {"$ref": "#/$defs/n"}}, "v": {"maximum": 5}}}}}"##,
            ##"{"$ref": "#/$defs/m", "$defs": {"m": {"properties": {"l": {"items": {"$ref": "#/$defs/m"}}, "v": {"maximum": 3}}}}}"##
        )
    ]

    @Test(
        "the same, said in another way, is fully compatible",
        arguments: [
            (#"{"type": "string", "title": "a"}"#, #"{"type": ["string"], "description": "b"}"#),
            (#"{"minimum": 1}"#, #"{"allOf": [{"minimum": 1.0}]}"#), ("{}", "true"), (#"{"not": {}}"#, "false"),
            (#"{"enum": [true, false]}"#, #"{"type": "boolean"}"#), (#"{"const": null}"#, #"{"type": "null"}"#),
            (#"{"type": ["string", "null"]}"#, #"{"anyOf": [{"type": "null"}, {"type": "string"}]}"#),
            (#"{"type": ["string", "null"]}"#, #"{"oneOf": [{"type": "null"}, {"type": "string"}]}"#),
            (
                #"{"oneOf": [{"minimum": 3}, {"maxLength": 1}]}"#,
                #"{"oneOf": [{"minimum": 3}, {"maxLength": 1}], "title": "a"}"#
            ),
            (
                #"{"properties": {"a": {"minimum": 1}}}"#,
                ##"{"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"minimum": 1}}}"##
            ),
            (#"{"maxItems": 2, "minItems": 3, "type": "array"}"#, "false"),
            (
                #"{"if": {"multipleOf": 2}, "then": {"minimum": 1}, "else": {"maximum": 9}}"#,
                #"{"if": {"multipleOf": 2}, "then": {"minimum": 1}, "else": {"maximum": 9}, "title": "a"}"#
            ),
        ])
    func same(_ left: String, _ right: String) throws {
        #expect(try keywords(left, right, .full) == [])
    }

    @Test(
        "what cannot be shown, or is not so, is a finding at its keyword",
        arguments: [
            (#"{"type": "string"}"#, #"{"type": "number"}"#, ["#/type"]),
            ("{}", #"{"properties": {"a": {"type": "string"}}}"#, ["#/properties/a/type"]),
            (
                #"{"properties": {"a": {}}}"#, #"{"properties": {"a": {}}, "additionalProperties": false}"#,
                ["#/additionalProperties"]
            ),
            (
                #"{"properties": {"a": {}, "b": {}}}"#, #"{"required": ["a"], "properties": {"b": {"minimum": 1}}}"#,
                ["#/required", "#/properties/b/minimum"]
            ),
            (#"{"pattern": "^ab"}"#, #"{"pattern": "^a"}"#, ["#/pattern"]),
            (#"{"enum": [1, 2, 3]}"#, #"{"enum": [1]}"#, ["#"]),
            (
                #"{"items": {"type": "string"}}"#, #"{"items": {"type": "string"}, "prefixItems": [{"maxLength": 1}]}"#,
                ["#/prefixItems/0/maxLength"]
            ),
            (
                #"{"properties": {"a": true}, "unevaluatedProperties": false, "title": "x"}"#,
                #"{"properties": {"a": true}, "unevaluatedProperties": false}"#, ["#/unevaluatedProperties"]
            ),
            (
                ##"{"$dynamicAnchor": "x", "items": {"$dynamicRef": "#x"}, "title": "a"}"##,
                ##"{"$dynamicAnchor": "x", "items": {"$dynamicRef": "#x"}}"##, ["#/items/$dynamicRef"]
            ),
        ] as [(String, String, [String])])
    func findings(_ old: String, _ new: String, _ expected: [String]) throws {
        #expect(try keywords(old, new, .backward) == expected)
    }

    @Test("findings say where, and what")
    func messages() throws {
        let old = try schema(#"{"properties": {"lines": {"items": {"properties": {"n": {"type": "number"}}}}}}"#)
        let new = try schema(#"{"properties": {"lines": {"items": {"properties": {"n": {"type": "integer"}}}}}}"#)
        let findings = SchemaCompatibility.check(old: old, new: new, rule: .full)
        #expect(
            findings.map(\.description) == [
                "backward: /lines/*/n: the old schema allows number with a fraction, the new schema does not"
            ])
        #expect(findings.first?.keyword == "#/properties/lines/items/properties/n/type")
    }

    @Test("a schema is compatible with itself, whatever is in it")
    func itself() throws {
        let text = ##"{"$dynamicAnchor": "x", "items": {"$dynamicRef": "#x"}, "unevaluatedItems": false}"##
        #expect(try keywords(text, text, .full) == [])
    }

    @Test("schemas that would take too long are not compatible")
    func bounded() throws {
        let many = (0..<9).map { "{\"anyOf\": [{\"required\": [\"a\($0)\"]}, {\"required\": [\"b\($0)\"]}]}" }
        let text = "{\"allOf\": [\(many.joined(separator: ","))], \"type\": \"object\"}"
        let other = "{\"oneOf\": [\(many.joined(separator: ","))], \"minProperties\": 1}"
        #expect(try !keywords(text, other, .backward).isEmpty)
    }

    @Test("across drafts")
    func drafts() throws {
        let old = try schema(
            ##"{"items": [{"type": "integer"}], "additionalItems": false, "definitions": {"a": {}}}"##, .draft7)
        let new = try schema(##"{"prefixItems": [{"type": "number"}], "items": false}"##)
        #expect(SchemaCompatibility.check(old: old, new: new, rule: .backward).isEmpty)
        #expect(SchemaCompatibility.check(old: old, new: new, rule: .forward).count == 1)
    }
}
