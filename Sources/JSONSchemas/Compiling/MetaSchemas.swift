/// The meta-schemas of both drafts, for schemas that refer to them: what the specifications say of each keyword's value.
enum MetaSchemas {
    /// By URI without a fragment.
    static let documents: [String: JSONValue] = {
        var documents: [String: JSONValue] = [:]
        // Not part of the dialect, but of meta-schemas that say formats are to be checked.
        let assertion = ("format-assertion", #""format": {"type": "string"}"#, "")
        for text in [draft7, root202012] + (vocabularies + [assertion]).map(vocabulary) {
            guard let value = try? JSONParser.parse(text), case .string(let id) = value["$id"] else { continue }
            documents[URIReference(id).document] = value
        }
        return documents
    }()

    private static let base = "https://json-schema.org/draft/2020-12"

    private static let root202012 = """
        {"$schema": "\(base)/schema", "$id": "\(base)/schema",
         "$vocabulary": {\(vocabularies.map { "\"\(base)/vocab/\($0.name)\": true" }.joined(separator: ", "))},
         "$dynamicAnchor": "meta", "type": ["object", "boolean"],
         "allOf": [\(vocabularies.map { "{\"$ref\": \"meta/\($0.name)\"}" }.joined(separator: ", "))],
         "properties": {
           "definitions": {"type": "object", "additionalProperties": {"$dynamicRef": "#meta"}, "deprecated": true},
           "dependencies": {"type": "object", "deprecated": true, "additionalProperties":
             {"anyOf": [{"$dynamicRef": "#meta"}, {"$ref": "meta/validation#/$defs/stringArray"}]}},
           "$recursiveAnchor": {"$ref": "meta/core#/$defs/anchorString", "deprecated": true},
           "$recursiveRef": {"$ref": "meta/core#/$defs/uriReferenceString", "deprecated": true}}}
        """

    private static func vocabulary(_ part: (name: String, properties: String, definitions: String)) -> String {
        """
        {"$schema": "\(base)/schema", "$id": "\(base)/meta/\(part.name)",
         "$vocabulary": {"\(base)/vocab/\(part.name)": true}, "$dynamicAnchor": "meta", "type": ["object", "boolean"],
         "properties": {\(part.properties)}, "$defs": {\(part.definitions)}}
        """
    }

    private static let schema = ##"{"$dynamicRef": "#meta"}"##
    private static let schemas = ##"{"$ref": "#/$defs/schemaArray"}"##
    private static let schemaMap =
        ##"{"type": "object", "default": {}, "additionalProperties": {"$dynamicRef": "#meta"}}"##
    private static let patternMap =
        ##"{"type": "object", "default": {}, "additionalProperties": {"$dynamicRef": "#meta"}, "##
        + #""propertyNames": {"format": "regex"}}"#
    private static let count = ##"{"$ref": "#/$defs/nonNegativeInteger"}"##

    private static func members(_ names: [String], _ schema: String) -> String {
        names.map { "\"\($0)\": \(schema)" }.joined(separator: ", ")
    }

    private static let vocabularies: [(name: String, properties: String, definitions: String)] = [
        (
            "core",
            ##""$id": {"$ref": "#/$defs/uriReferenceString", "pattern": "^[^#]*#?$"}, "##
                + ##""$schema": {"$ref": "#/$defs/uriString"}, "$ref": {"$ref": "#/$defs/uriReferenceString"}, "##
                + ##""$anchor": {"$ref": "#/$defs/anchorString"}, "$dynamicRef": {"$ref": "#/$defs/uriReferenceString"}, "##
                + ##""$dynamicAnchor": {"$ref": "#/$defs/anchorString"}, "$comment": {"type": "string"}, "##
                + ##""$vocabulary": {"type": "object", "propertyNames": {"$ref": "#/$defs/uriString"}, "##
                + ##""additionalProperties": {"type": "boolean"}}, "$defs": \##(schemaMap)"##,
            #""anchorString": {"type": "string", "pattern": "^[A-Za-z_][-A-Za-z0-9._]*$"}, "#
                + #""uriString": {"type": "string", "format": "uri"}, "#
                + #""uriReferenceString": {"type": "string", "format": "uri-reference"}"#
        ),
        (
            "applicator",
            [
                members(["prefixItems", "allOf", "anyOf", "oneOf"], schemas),
                members(
                    ["items", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not"], schema),
                members(["properties", "dependentSchemas"], schemaMap), members(["patternProperties"], patternMap),
            ].joined(separator: ", "),
            ##""schemaArray": {"type": "array", "minItems": 1, "items": {"$dynamicRef": "#meta"}}"##
        ),
        ("unevaluated", members(["unevaluatedItems", "unevaluatedProperties"], schema), ""),
        (
            "validation",
            [
                ##""type": {"anyOf": [{"$ref": "#/$defs/simpleTypes"}, {"type": "array", "minItems": 1, "##
                    + ##""uniqueItems": true, "items": {"$ref": "#/$defs/simpleTypes"}}]}, "const": true"##,
                #""enum": {"type": "array", "items": true}, "multipleOf": {"type": "number", "exclusiveMinimum": 0}"#,
                members(["maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"], #"{"type": "number"}"#),
                members(
                    [
                        "maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains", "maxProperties",
                        "minProperties",
                    ], count),
                #""pattern": {"type": "string", "format": "regex"}, "uniqueItems": {"type": "boolean", "default": false}"#,
                ##""required": {"$ref": "#/$defs/stringArray"}, "dependentRequired": {"type": "object", "##
                    + ##""additionalProperties": {"$ref": "#/$defs/stringArray"}}"##,
            ].joined(separator: ", "),
            #""nonNegativeInteger": {"type": "integer", "minimum": 0}, "simpleTypes": {"enum": ["array", "boolean", "#
                + #""integer", "null", "number", "object", "string"]}, "stringArray": {"type": "array", "#
                + #""items": {"type": "string"}, "uniqueItems": true, "default": []}"#
        ),
        (
            "meta-data",
            members(["title", "description"], #"{"type": "string"}"#) + #", "default": true, "#
                + members(["deprecated", "readOnly", "writeOnly"], #"{"type": "boolean", "default": false}"#)
                + #", "examples": {"type": "array", "items": true}"#,
            ""
        ),
        ("format-annotation", #""format": {"type": "string"}"#, ""),
        (
            "content",
            members(["contentEncoding", "contentMediaType"], #"{"type": "string"}"#) + ", "
                + members(["contentSchema"], schema), ""
        ),
    ]
}
