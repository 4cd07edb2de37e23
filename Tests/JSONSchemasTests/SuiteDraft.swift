import JSONSchemas

/// A draft's folder in the suite, and which of its optional cases fail here, with the reason.
struct SuiteDraft: Sendable, CustomStringConvertible {
    var name: String
    var folder: String
    var dialect: SchemaDialect
    var requiredCount: Int
    /// By file, group and case.
    var knownFailures: [String: String]
    /// Files every case of which is refused when the schema is compiled, with the reason.
    var refusedFiles: [String: String]

    var description: String { name }

    private static let refusedFormats = [
        "optional/format/idn-email": "the format is not implemented, and refused by name",
        "optional/format/idn-hostname": "the format is not implemented, and refused by name",
        "optional/format/iri": "the format is not implemented, and refused by name",
        "optional/format/iri-reference": "the format is not implemented, and refused by name",
        "optional/format/uri-template": "the format is not implemented, and refused by name",
        "optional/format/unknown": "a format that nobody knows is refused rather than not checked",
        "optional/cross-draft": "it refers to a schema of draft 2019-09, which is not known",
    ]

    private static let content = "contentEncoding and contentMediaType are annotations, and listed as ignored"

    static let all = [
        SuiteDraft(
            name: "draft 2020-12", folder: "draft2020-12", dialect: .draft202012, requiredCount: 1257,
            knownFailures: [:], refusedFiles: refusedFormats),
        SuiteDraft(
            name: "draft 7", folder: "draft7", dialect: .draft7, requiredCount: 913,
            knownFailures: [
                "optional/content | validation of binary string-encoding | an invalid base64 string (% is not a valid character)":
                    content,
                "optional/content | validation of binary-encoded media type documents | a validly-encoded invalid JSON document":
                    content,
                "optional/content | validation of binary-encoded media type documents | an invalid base64 string that is valid JSON":
                    content,
                "optional/content | validation of string-encoded content based on media type | an invalid JSON document":
                    content,
            ],
            refusedFiles: refusedFormats),
    ]
}
