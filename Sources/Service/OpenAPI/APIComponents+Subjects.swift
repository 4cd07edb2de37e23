extension APIComponents {
    static let subjects = [
        (
            "Pointer",
            #"{"type": "string", "maxLength": 1000, "pattern": "^(/[^\\u0000]*)?$", "description": "A JSON pointer (RFC 6901) into the payload; empty: all of it."}"#
        ),
        (
            "SubjectPlace",
            #"{"type": "string", "maxLength": 1000, "pattern": "^(key|/(payload|metadata)/[^\\u0000]*)$", "description": "Where an event says whom it is about: key, /payload/… or /metadata/…"}"#
        ),
        (
            "NewProtection",
            #"""
            {"type": "object", "required": ["members"], "additionalProperties": false,
             "properties": {"members": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/components/schemas/Pointer"},
                 "description": "None within another."},
               "subject": {"allOf": [{"$ref": "#/components/schemas/SubjectPlace"}], "default": "key"},
               "tombstone": {"default": null, "description": "What a member reads as once its subject is forgotten; at most 4 KiB."}}}
            """#
        ),
        (
            "Protection",
            #"""
            {"type": "object", "required": ["members", "subject", "tombstone"],
             "properties": {"members": {"type": "array", "items": {"$ref": "#/components/schemas/Pointer"}, "description": "None: nothing is encrypted."},
               "subject": {"anyOf": [{"$ref": "#/components/schemas/SubjectPlace"}, {"type": "null"}]}, "tombstone": {}}}
            """#
        ),
        (
            "SubjectId",
            #"{"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$", "description": "1 to 200 bytes."}"#
        ),
        (
            "Subject",
            #"""
            {"type": "object", "required": ["subject", "key_made_at", "forgotten_at", "forgotten_by", "reason", "readmitted_at"],
             "properties": {"subject": {"type": "string"},
               "key_made_at": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}], "description": "null: it has no key any more."},
               "forgotten_at": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]},
               "forgotten_by": {"type": ["string", "null"]}, "reason": {"type": ["string", "null"]},
               "readmitted_at": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]}}}
            """#
        ),
        (
            "Subjects",
            list(
                "subjects", "Subject",
                and:
                    #", "next": {"type": ["string", "null"], "description": "There may be more: ask after this one."}"#
            )
        ),
        (
            "Forgetting",
            #"""
            {"type": "object", "required": ["subject", "reason"], "additionalProperties": false,
             "properties": {"subject": {"$ref": "#/components/schemas/SubjectId"},
               "reason": {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": "^[^\\u0000]*$", "description": "For the record; nothing about the subject itself."}}}
            """#
        ),
        (
            "Forgotten",
            #"""
            {"type": "object", "required": ["subject", "had_key", "forgotten_at", "projections", "groups"],
             "properties": {"subject": {"type": "string"}, "had_key": {"type": "boolean", "description": "false: it was forgotten before."},
               "forgotten_at": {"$ref": "#/components/schemas/Time"},
               "projections": {"type": "array", "items": {"type": "string"},
                 "description": "Whose read models may have the data until strata project rebuild NAME --expect-difference --drop-old."},
               "groups": {"type": "array", "description": "Consumers that may have copies of their own.",
                 "items": {"type": "object", "required": ["stream", "group"], "properties": {"stream": {"type": "string"}, "group": {"type": "string"}}}}}}
            """#
        ),
        (
            "NamedSubject",
            ##"{"type": "object", "required": ["subject"], "additionalProperties": false, "properties": {"subject": {"$ref": "#/components/schemas/SubjectId"}}}"##
        ),
    ]
}
