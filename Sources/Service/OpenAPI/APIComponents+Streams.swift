extension APIComponents {
    static let streams = [
        (
            "Stream",
            #"""
            {"type": "object",
             "required": ["id", "name", "created_at", "is_active", "last_position", "floor_position", "schema_version", "compatibility"],
             "properties": {"id": {"$ref": "#/components/schemas/Id"}, "name": {"type": "string"},
               "created_at": {"$ref": "#/components/schemas/Time"}, "is_active": {"type": "boolean"},
               "last_position": {"$ref": "#/components/schemas/Position"},
               "floor_position": {"$ref": "#/components/schemas/Position"},
               "schema_version": {"type": "integer", "description": "0: any JSON is taken."},
               "compatibility": {"$ref": "#/components/schemas/Compatibility"}}}
            """#
        ),
        (
            "Streams",
            list(
                "streams", "Stream",
                and:
                    #", "next": {"type": ["string", "null"], "description": "There may be more: ask after this name."}"#
            )
        ),
        (
            "NewStream",
            #"""
            {"type": "object", "required": ["name"], "additionalProperties": false,
             "properties": {"name": {"allOf": [{"$ref": "#/components/schemas/Name"}, {"not": {"pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}}],
               "description": "The only one in its organisation; not in the form of an id."}}}
            """#
        ),
        ("Compatibility", #"{"enum": ["none", "backward", "forward", "full"]}"#),
        (
            "SchemaVersion",
            #"""
            {"type": "object", "required": ["version", "schema", "compatibility", "created_at"],
             "properties": {"version": {"type": "integer"}, "schema": {"type": ["object", "boolean"]},
               "compatibility": {"$ref": "#/components/schemas/Compatibility"},
               "created_at": {"$ref": "#/components/schemas/Time"}}}
            """#
        ),
        ("SchemaVersions", list("versions", "SchemaVersion")),
        (
            "NewSchema",
            #"""
            {"type": "object", "required": ["schema"], "additionalProperties": false,
             "properties": {"schema": {"type": ["object", "boolean"], "description": "A JSON Schema, draft 2020-12, or draft 7 where $schema says so."},
               "compatibility": {"$ref": "#/components/schemas/Compatibility"}}}
            """#
        ),
        (
            "RegisteredSchema",
            #"""
            {"type": "object", "required": ["version", "compatibility", "without_effect"],
             "properties": {"version": {"type": "integer"}, "compatibility": {"$ref": "#/components/schemas/Compatibility"},
               "without_effect": {"type": "array", "items": {"type": "string"}, "description": "Keywords that do nothing: perhaps slips of the pen."}}}
            """#
        ),
        (
            "NewEvent",
            #"""
            {"type": "object", "required": ["type", "payload"], "additionalProperties": false,
             "properties": {"type": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$", "description": "1 to 200 bytes."},
               "key": {"type": ["string", "null"], "maxLength": 1000, "pattern": "^[^\\u0000]*$", "description": "At most 1,000 bytes. Events of one key keep their order for consumers."},
               "payload": {"description": "Any JSON that the stream's schema allows, without the character NUL."},
               "metadata": {"type": "object"}}}
            """#
        ),
        (
            "NewEvents",
            ##"{"type": "array", "minItems": 1, "maxItems": 10000, "items": {"$ref": "#/components/schemas/NewEvent"}}"##
        ),
        (
            "ExpectedVersion",
            #"""
            {"description": "The position of the stream's last event, \"none\" (the stream is empty) or \"any\".",
             "anyOf": [{"$ref": "#/components/schemas/Position"}, {"enum": ["any", "none"]}]}
            """#
        ),
        (
            "Append",
            #"""
            {"anyOf": [{"$ref": "#/components/schemas/NewEvents"},
              {"type": "object", "required": ["events"], "additionalProperties": false,
               "properties": {"events": {"$ref": "#/components/schemas/NewEvents"},
                 "expected_version": {"$ref": "#/components/schemas/ExpectedVersion"}}}]}
            """#
        ),
        (
            "AppendParts",
            #"""
            {"type": "object", "required": ["parts"], "additionalProperties": false,
             "properties": {"parts": {"type": "array", "minItems": 1, "maxItems": 100, "items":
               {"type": "object", "required": ["stream", "events"], "additionalProperties": false,
                "properties": {"stream": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$", "description": "By name or id; each once."},
                  "events": {"$ref": "#/components/schemas/NewEvents"},
                  "expected_version": {"$ref": "#/components/schemas/ExpectedVersion"}}}}}}
            """#
        ),
        (
            "Appended",
            #"""
            {"type": "object", "required": ["stream", "first_position", "last_position", "appended_at", "repeated", "ids"],
             "properties": {"stream": {"$ref": "#/components/schemas/Id"},
               "first_position": {"$ref": "#/components/schemas/Position"},
               "last_position": {"$ref": "#/components/schemas/Position"},
               "appended_at": {"$ref": "#/components/schemas/Time"},
               "repeated": {"type": "boolean", "description": "It had been appended before, under the same idempotency key."},
               "ids": {"type": "array", "items": {"$ref": "#/components/schemas/Id"}}}}
            """#
        ),
        (
            "AppendedLines",
            #"""
            {"type": "object", "required": ["appended", "first_position", "last_position"],
             "properties": {"appended": {"type": "integer"}, "first_position": {"type": ["integer", "null"]},
               "last_position": {"type": ["integer", "null"]}}}
            """#
        ),
        (
            "AppendAnswer",
            ##"{"anyOf": [{"$ref": "#/components/schemas/Appended"}, {"$ref": "#/components/schemas/AppendedLines"}]}"##
        ),
        ("AppendedParts", list("parts", "Appended")),
        (
            "Event",
            #"""
            {"type": "object", "required": ["position", "id", "type", "key", "at", "payload", "metadata"],
             "properties": {"position": {"$ref": "#/components/schemas/Position"}, "id": {"$ref": "#/components/schemas/Id"},
               "slot": {"type": "integer", "description": "In what a poll gives."},
               "type": {"type": "string"}, "key": {"type": ["string", "null"]}, "at": {"$ref": "#/components/schemas/Time"},
               "payload": {}, "metadata": {"type": "object"}}}
            """#
        ),
        (
            "Events",
            list(
                "events", "Event",
                and: #"""
                    , "last_position": {"$ref": "#/components/schemas/Position"},
                      "next_after": {"$ref": "#/components/schemas/Position", "description": "Where to go on."}
                    """#)
        ),
    ]
}
