import JSONSchemas
import Testing

@Suite("Compiling schemas")
struct SchemaCompileTests {
    private func mistakes(
        _ text: String, dialect: SchemaDialect = .draft202012, documents: [String: JSONValue] = [:],
        formats: SchemaFormatMode = .assert
    ) throws -> [String] {
        let value = try JSONParser.parse(text)
        do throws(SchemaErrors) {
            _ = try JSONSchema.compile(value, dialect: dialect, documents: documents, formats: formats)
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }

    @Test("all mistakes, each with its place")
    func all() throws {
        let found = try mistakes(
            #"""
            {"type": "strng", "minLength": -1, "required": "a", "properties": {"a": {"pattern": "("}, "b": 5},
             "items": {"allOf": [], "multipleOf": 0, "uniqueItems": 1}, "$defs": {"c": {"enum": 1, "type": ["null", "x"]}}}
            """#)
        #expect(
            found == [
                #"#/type: "strng" is no type; there are null, boolean, integer, number, string, array, object"#,
                "#/minLength: has to be a whole number, 0 or more", "#/required: has to be an array of strings",
                "#/properties/a/pattern: is no regular expression that is taken: a parenthesis is not closed",
                "#/properties/b: a schema has to be an object, true or false",
                "#/items/allOf: has to be an array with at least one schema",
                "#/items/multipleOf: has to be a number above 0", "#/items/uniqueItems: has to be true or false",
                "#/$defs/c/enum: has to be an array",
                #"#/$defs/c/type/1: "x" is no type; there are null, boolean, integer, number, string, array, object"#,
            ])
    }

    @Test(
        "each keyword's value is checked",
        arguments: [
            #"5"#, #"null"#, #""a""#, #"[]"#, #"{"type": []}"#, #"{"type": ["string", "string"]}"#, #"{"type": 1}"#,
            #"{"minimum": "1"}"#, #"{"maxItems": 1.5}"#, #"{"required": ["a", "a"]}"#, #"{"required": [1]}"#,
            #"{"properties": []}"#, #"{"properties": {"a": []}}"#, #"{"patternProperties": {"[": true}}"#,
            #"{"items": [true]}"#,
            #"{"prefixItems": true}"#, #"{"prefixItems": []}"#, #"{"anyOf": {}}"#, #"{"not": 1}"#, #"{"title": 1}"#,
            #"{"$ref": 1}"#, #"{"$ref": "a b"}"#, #"{"$id": "a#b"}"#, #"{"$anchor": "1a"}"#, #"{"$anchor": "a#"}"#,
            #"{"$dynamicAnchor": ""}"#, #"{"$schema": 1}"#, #"{"$vocabulary": []}"#,
            #"{"dependentRequired": {"a": [1]}}"#,
            #"{"dependentRequired": {"a": {}}}"#, #"{"dependentSchemas": {"a": []}}"#, #"{"format": 1}"#,
            #"{"examples": 1}"#,
            #"{"deprecated": "no"}"#, #"{"$comment": {}}"#, #"{"contentSchema": 1}"#, #"{"dependencies": {"a": 1}}"#,
        ])
    func shapes(_ text: String) throws { #expect(try !mistakes(text).isEmpty) }

    @Test("draft 7 has rules of its own")
    func draft7() throws {
        #expect(try mistakes(#"{"items": [true, {}]}"#, dialect: .draft7).isEmpty)
        #expect(try !mistakes(#"{"items": []}"#, dialect: .draft7).isEmpty)
        #expect(try mistakes(##"{"$id": "#a"}"##, dialect: .draft7).isEmpty)
        #expect(try mistakes(#"{"$schema": "http://json-schema.org/draft-07/schema#", "items": [true]}"#).isEmpty)
    }

    @Test("references have to lead somewhere when the schema is compiled")
    func references() throws {
        #expect(
            try mistakes(##"{"properties": {"a": {"$ref": "#/$defs/b"}}}"##) == [
                "#/properties/a/$ref: #/$defs/b leads nowhere: there is nothing at /$defs/b"
            ])
        #expect(
            try mistakes(#"{"$ref": "https://example.com/other.json"}"#) == [
                "#/$ref: https://example.com/other.json leads nowhere: there is no document https://example.com/other.json; "
                    + "documents are not fetched, they have to be given"
            ])
        #expect(try mistakes(##"{"$ref": "#name"}"##) == ["#/$ref: #name leads nowhere: no schema is named name"])
        #expect(try mistakes(##"{"$ref": "#/title", "title": "a"}"##).count == 1)
        let given: [String: JSONValue] = ["https://example.com/other.json": ["$defs": ["b": ["type": "string"]]]]
        #expect(try mistakes(#"{"$ref": "https://example.com/other.json#/$defs/b"}"#, documents: given).isEmpty)
        #expect(try mistakes(#"{"$id": "https://example.com/a", "$ref": "other.json"}"#, documents: given).isEmpty)
        let wrong: [String: JSONValue] = ["https://example.com/other.json": ["type": "strng"]]
        #expect(
            try mistakes(#"{"$ref": "https://example.com/other.json"}"#, documents: wrong).first?
                .hasPrefix("https://example.com/other.json#/type") == true)
        // What nothing refers to does not matter.
        #expect(try mistakes("{}", documents: wrong).isEmpty)
    }

    @Test("names and URIs are given once")
    func names() throws {
        #expect(try mistakes(#"{"$anchor": "a", "items": {"$anchor": "a"}}"#).count == 1)
        #expect(try mistakes(#"{"$defs": {"a": {"$id": "x:a"}, "b": {"$id": "x:a"}}}"#).count == 1)
        #expect(
            try mistakes(#"{"$defs": {"a": {"$id": "x:a", "$anchor": "n"}, "b": {"$id": "x:b", "$anchor": "n"}}}"#)
                .isEmpty)
    }

    @Test(
        "schemas that lead back to themselves at the same value are refused",
        arguments: [
            ##"{"$ref": "#"}"##, ##"{"allOf": [{"$ref": "#"}]}"##, ##"{"not": {"$ref": "#"}}"##,
            ##"{"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [true, {"$ref": "#/$defs/b"}]}, "b": {"if": {"$ref": "#/$defs/a"}}}}"##,
            ##"{"dependentSchemas": {"a": {"$ref": "#"}}}"##,
        ])
    func cycles(_ text: String) throws {
        #expect(try mistakes(text).contains { $0.contains("leads back to itself") })
    }

    @Test("a cycle by dynamic references is found at the value")
    func dynamicCycle() throws {
        let schema = try JSONSchema.compile(try JSONParser.parse(##"{"$dynamicAnchor": "a", "$dynamicRef": "#a"}"##))
        #expect(!schema.isValid(1))
        #expect(schema.validate(1).map(\.message) == ["more than 250 schemas lie within each other here"])
    }

    @Test("formats that cannot be checked are refused by name, unless formats are annotations")
    func formats() throws {
        for name in ["idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "money"] {
            let found = try mistakes("{\"properties\": {\"a\": {\"format\": \"\(name)\"}}}")
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix("#/properties/a/format: the format \"\(name)\" cannot be checked") == true)
            #expect(try mistakes("{\"format\": \"\(name)\"}", formats: .annotate).isEmpty)
        }
    }

    @Test("dialects and vocabularies that are not known are refused")
    func dialects() throws {
        #expect(try mistakes(#"{"$schema": "https://json-schema.org/draft/2019-09/schema"}"#).count == 1)
        #expect(try mistakes(#"{"$schema": "draft7"}"#).count == 1)
        let own: JSONValue = [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/meta",
            "$vocabulary": [
                "https://json-schema.org/draft/2020-12/vocab/core": true, "https://example.com/vocab/money": true,
            ],
        ]
        let found = try mistakes(
            #"{"$schema": "https://example.com/meta"}"#, documents: ["https://example.com/meta": own])
        #expect(found.count == 1)
        #expect(found.first?.contains("requires the vocabulary https://example.com/vocab/money") == true)
        let loop: [String: JSONValue] = ["https://example.com/m": ["$schema": "https://example.com/m"]]
        #expect(try !mistakes(#"{"$schema": "https://example.com/m"}"#, documents: loop).isEmpty)
    }

    @Test("a schema has to obey the meta-schema it names")
    func ownMetaSchema() throws {
        let own: JSONValue = [
            "$schema": "https://json-schema.org/draft/2020-12/schema", "required": ["title"],
        ]
        let documents: [String: JSONValue] = ["https://example.com/meta": own]
        #expect(
            try mistakes(#"{"$schema": "https://example.com/meta"}"#, documents: documents) == [
                #"#: the property "title" is missing (the meta-schema https://example.com/meta)"#
            ])
        #expect(try mistakes(#"{"$schema": "https://example.com/meta", "title": "a"}"#, documents: documents).isEmpty)
    }

    @Test("keywords without effect are listed")
    func ignored() throws {
        func ignored(_ text: String, _ dialect: SchemaDialect = .draft202012) throws -> [String] {
            try JSONSchema.compile(JSONParser.parse(text), dialect: dialect, formats: .annotate).ignored.map(
                \.description)
        }
        #expect(
            try ignored(
                #"""
                {"titel": "a", "properties": {"a": {"minLenght": 1, "format": "uri", "contentEncoding": "base64"}},
                 "then": true, "minContains": 2, "items": {"additionalItems": true}, "title": "a", "default": 1}
                """#) == [
                    "#/titel (unknown)", "#/properties/a/minLenght (unknown)", "#/properties/a/format (annotation)",
                    "#/properties/a/contentEncoding (annotation)", "#/then (without-partner)",
                    "#/minContains (without-partner)",
                    "#/items/additionalItems (unknown)",
                ])
        #expect(
            try ignored(##"{"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {}}}"##, .draft7) == [
                "#/type (beside-reference)"
            ])
        #expect(
            try ignored(#"{"additionalItems": false, "$anchor": "a", "if": {}}"#, .draft7) == [
                "#/additionalItems (without-partner)", "#/$anchor (unknown)", "#/if (without-partner)",
            ])
    }

    @Test("deep schemas and long chains of references do no harm")
    func large() throws {
        var deep: JSONValue = true
        for _ in 0..<100 { deep = ["not": deep] }
        #expect(throws: Never.self) { try JSONSchema.compile(deep) }
        var deeper: JSONValue = true
        for _ in 0..<150 { deeper = ["not": deeper] }
        #expect(throws: SchemaErrors.self) { try JSONSchema.compile(deeper) }

        var chain = JSONObject()
        for index in 0..<5_000 { chain.append("a\(index)", ["$ref": .string("#/$defs/a\(index + 1)")]) }
        chain.append("a5000", ["type": "string"])
        let schema = try JSONSchema.compile(["$ref": "#/$defs/a0", "$defs": .object(chain)])
        #expect(schema.validate("a").map(\.message) == ["more than 250 schemas lie within each other here"])

        // Each of these asks twice for the next one.
        var twice = JSONObject()
        for index in 0..<40 {
            let next: JSONValue = ["$ref": .string("#/$defs/b\(index + 1)")]
            twice.append("b\(index)", ["allOf": [next, next]])
        }
        twice.append("b40", true)
        let costly = try JSONSchema.compile(["$ref": "#/$defs/b0", "$defs": .object(twice)])
        #expect(costly.validate(1).first?.message.contains("takes too long") == true)
    }
}
