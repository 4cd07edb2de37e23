import JSONSchemas

/// The schemas of the API's bodies: for its document, and what requests are checked against.
enum APIComponents {
    /// In the order of the document.
    static let texts: [(name: String, text: String)] = common + directory + streams + groups + subjects

    private static let common = [
        ("Id", #"{"type": "string", "format": "uuid"}"#),
        ("Time", #"{"type": "string", "format": "date-time", "description": "UTC, to the millisecond."}"#),
        (
            "Name",
            #"{"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000-\\u001F\\u007F]+$"}"#
        ),
        (
            "Position",
            #"{"type": "integer", "minimum": 0, "maximum": 9223372036854775807, "description": "In a stream, from 1 without gaps; 0 is before the first event."}"#
        ),
        (
            "Problem",
            #"""
            {"type": "object", "description": "RFC 9457. Some kinds have members of their own.",
             "required": ["type", "title", "status", "detail"],
             "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
               "detail": {"type": "string"}, "version": {"$ref": "#/components/schemas/Position"},
               "stream": {"$ref": "#/components/schemas/Id"}, "floor": {"$ref": "#/components/schemas/Position"},
               "appended": {"type": "integer", "description": "Lines of NDJSON that were appended before."},
               "line": {"type": "integer"}, "column": {"type": "integer"}, "errors": {"type": "array"}}}
            """#
        ),
    ]

    private static let directory = [
        (
            "Organization",
            #"""
            {"type": "object", "required": ["id", "name", "created_at", "is_active"],
             "properties": {"id": {"$ref": "#/components/schemas/Id"}, "name": {"type": "string"},
               "created_at": {"$ref": "#/components/schemas/Time"}, "is_active": {"type": "boolean"}}}
            """#
        ),
        ("Organizations", list("organizations", "Organization")),
        (
            "NewOrganization",
            ##"{"type": "object", "required": ["name"], "additionalProperties": false, "properties": {"name": {"$ref": "#/components/schemas/Name"}}}"##
        ),
        (
            "Activity",
            #"{"type": "object", "required": ["is_active"], "additionalProperties": false, "properties": {"is_active": {"type": "boolean"}}}"#
        ),
        (
            "User",
            #"""
            {"type": "object", "required": ["id", "email", "role", "created_at", "is_active"],
             "properties": {"id": {"$ref": "#/components/schemas/Id"}, "email": {"type": "string"},
               "role": {"$ref": "#/components/schemas/Role"}, "created_at": {"$ref": "#/components/schemas/Time"},
               "is_active": {"type": "boolean"}}}
            """#
        ),
        (
            "Role",
            #"{"enum": ["admin", "viewer"], "description": "A viewer may read; an admin may do everything in the organisation."}"#
        ),
        ("Users", list("users", "User")),
        (
            "NewUser",
            #"""
            {"type": "object", "required": ["email", "password", "role"], "additionalProperties": false,
             "properties": {"email": {"type": "string", "minLength": 3, "maxLength": 320, "pattern": "^[!-?A-~]+@[!-?A-~]+$"},
               "password": {"type": "string", "minLength": 12, "maxLength": 200, "pattern": "^[^\\u0000]*$"}, "role": {"$ref": "#/components/schemas/Role"}}}
            """#
        ),
        (
            "Login",
            #"""
            {"type": "object", "required": ["email", "password"], "additionalProperties": false,
             "properties": {"email": {"type": "string", "minLength": 3, "maxLength": 320, "pattern": "^[^\\u0000]*$"},
               "password": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$"}}}
            """#
        ),
        (
            "Session",
            #"""
            {"type": "object", "required": ["token", "expires_at", "user", "organization"],
             "properties": {"token": {"type": "string", "description": "For Authorization: Bearer."},
               "expires_at": {"$ref": "#/components/schemas/Time"}, "user": {"$ref": "#/components/schemas/Id"},
               "organization": {"$ref": "#/components/schemas/Id"}}}
            """#
        ),
        ("Scope", #"{"enum": ["append", "read", "consume", "manage"]}"#),
        (
            "Key",
            #"""
            {"type": "object", "required": ["id", "label", "prefix", "scopes", "created_at", "expires_at", "revoked_at"],
             "properties": {"id": {"$ref": "#/components/schemas/Id"}, "label": {"type": "string"},
               "prefix": {"type": "string", "description": "The key's beginning."},
               "scopes": {"type": "array", "items": {"$ref": "#/components/schemas/Scope"}},
               "created_at": {"$ref": "#/components/schemas/Time"},
               "expires_at": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]},
               "revoked_at": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]}}}
            """#
        ),
        ("Keys", list("keys", "Key")),
        (
            "NewKey",
            #"""
            {"type": "object", "required": ["label", "scopes"], "additionalProperties": false,
             "properties": {"label": {"$ref": "#/components/schemas/Name"},
               "scopes": {"type": "array", "minItems": 1, "maxItems": 4, "uniqueItems": true, "items": {"$ref": "#/components/schemas/Scope"}},
               "expires_at": {"description": "Without it: when it is revoked.", "type": "string", "format": "date-time", "maxLength": 40}}}
            """#
        ),
        (
            "IssuedKey",
            #"""
            {"allOf": [{"$ref": "#/components/schemas/Key"}, {"type": "object", "required": ["key"],
              "properties": {"key": {"type": "string", "description": "Shown this once: what is kept is its hash."}}}]}
            """#
        ),
    ]

    /// `{"name": [of, …]}`
    static func list(_ name: String, _ of: String, and more: String = "") -> String {
        """
        {"type": "object", "required": ["\(name)"],
         "properties": {"\(name)": {"type": "array", "items": {"$ref": "#/components/schemas/\(of)"}}\(more)}}
        """
    }

    // MARK: For checking

    /// A component, compiled.
    ///
    /// - Throws: `SchemaErrors`.
    static func schema(_ name: String) throws -> JSONSchema {
        // Within a schema its parts are called `$defs`.
        let definitions = texts.map { "\"\($0.name)\": \($0.text)" }.joined(separator: ",\n")
            .replacing("#/components/schemas/", with: "#/$defs/")
        let text = "{\"$ref\": \"#/$defs/\(name)\", \"$defs\": {\(definitions)}}"
        return try JSONSchema.compile(try JSONParser.parse(text))
    }
}
