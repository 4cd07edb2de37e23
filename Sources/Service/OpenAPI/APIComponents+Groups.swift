extension APIComponents {
    static let groups = [
        (
            "Group",
            #"""
            {"type": "object", "required": ["id", "name", "slots", "max_attempts", "created_at", "position", "lag", "members", "dead_letters"],
             "properties": {"id": {"$ref": "#/components/schemas/Id"}, "name": {"type": "string"},
               "slots": {"type": "integer"}, "max_attempts": {"type": "integer"},
               "created_at": {"$ref": "#/components/schemas/Time"}, "position": {"$ref": "#/components/schemas/Position"},
               "lag": {"type": "integer", "description": "Events behind the end of the stream."},
               "members": {"type": "integer"}, "dead_letters": {"type": "integer", "description": "Which nobody has looked after."}}}
            """#
        ),
        ("Groups", list("groups", "Group")),
        (
            "NewGroup",
            #"""
            {"type": "object", "required": ["name"], "additionalProperties": false,
             "properties": {"name": {"allOf": [{"$ref": "#/components/schemas/Name"}, {"not": {"pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"}}],
                 "description": "The only one of its stream; not in the form of an id."},
               "slots": {"type": "integer", "minimum": 1, "maximum": 256, "default": 16, "description": "How many members may work at once; cannot be changed."},
               "max_attempts": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 5},
               "first_retry_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "default": 1000},
               "longest_retry_ms": {"type": "integer", "minimum": 1, "maximum": 86400000, "default": 300000},
               "from": {"enum": ["start", "end"], "default": "start"}}}
            """#
        ),
        (
            "CreatedGroup",
            ##"{"type": "object", "required": ["id", "name"], "properties": {"id": {"$ref": "#/components/schemas/Id"}, "name": {"type": "string"}}}"##
        ),
        (
            "Member",
            #"{"type": "string", "minLength": 1, "maxLength": 50, "pattern": "^[!-~]+$", "description": "A name of its own for each process that works in the group."}"#
        ),
        (
            "DoneSlot",
            #"""
            {"type": "object", "required": ["slot", "epoch", "from", "through"], "additionalProperties": false,
             "properties": {"attempt": {"type": "integer"}, "next_try": {"type": ["string", "null"], "maxLength": 40, "pattern": "^[^\\u0000]*$"}, "slot": {"type": "integer", "minimum": 0, "maximum": 255},
               "epoch": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807},
               "from": {"$ref": "#/components/schemas/Position"},
               "through": {"anyOf": [{"$ref": "#/components/schemas/Position"}, {"type": "null"}]}}}
            """#
        ),
        ("DoneSlots", ##"{"type": "array", "maxItems": 256, "items": {"$ref": "#/components/schemas/DoneSlot"}}"##),
        (
            "Poll",
            #"""
            {"type": "object", "required": ["member"], "additionalProperties": false,
             "properties": {"member": {"$ref": "#/components/schemas/Member"},
               "limit": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 100},
               "wait_ms": {"type": "integer", "minimum": 0, "maximum": 30000, "default": 0, "description": "How long to wait for events if there are none."},
               "lease_ms": {"type": "integer", "minimum": 1000, "maximum": 3600000, "default": 30000, "description": "How long its slots are its own without another poll."},
               "commit": {"$ref": "#/components/schemas/DoneSlots", "description": "Slots of the poll before, which are done: committed first."}}}
            """#
        ),
        (
            "Slot",
            #"""
            {"type": "object", "required": ["slot", "epoch", "from", "through", "attempt", "next_try"],
             "properties": {"slot": {"type": "integer"}, "epoch": {"type": "integer"},
               "from": {"$ref": "#/components/schemas/Position"},
               "through": {"anyOf": [{"$ref": "#/components/schemas/Position"}, {"type": "null"}],
                 "description": "How far it is done once its events are; null: it waits for its next attempt."},
               "attempt": {"type": "integer"},
               "next_try": {"anyOf": [{"$ref": "#/components/schemas/Time"}, {"type": "null"}]}}}
            """#
        ),
        (
            "Delivery",
            #"""
            {"type": "object", "required": ["events", "slots", "redriven", "last_position"],
             "properties": {"events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
               "slots": {"type": "array", "items": {"$ref": "#/components/schemas/Slot"}},
               "redriven": {"type": "array", "items": {"type": "object", "required": ["dead_letter", "epoch", "attempt", "event"],
                 "properties": {"dead_letter": {"$ref": "#/components/schemas/Id"}, "epoch": {"type": "integer"},
                   "attempt": {"type": "integer"}, "event": {"$ref": "#/components/schemas/Event"}}}},
               "last_position": {"$ref": "#/components/schemas/Position"}}}
            """#
        ),
        (
            "Commit",
            #"""
            {"type": "object", "required": ["member", "slots"], "additionalProperties": false,
             "properties": {"member": {"$ref": "#/components/schemas/Member"}, "slots": {"$ref": "#/components/schemas/DoneSlots"}}}
            """#
        ),
        (
            "Failure",
            #"""
            {"type": "object", "required": ["member", "slot", "epoch", "from", "position", "reason"], "additionalProperties": false,
             "properties": {"member": {"$ref": "#/components/schemas/Member"},
               "slot": {"type": "integer", "minimum": 0, "maximum": 255},
               "epoch": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807},
               "from": {"$ref": "#/components/schemas/Position"}, "position": {"$ref": "#/components/schemas/Position"},
               "reason": {"$ref": "#/components/schemas/Reason"}, "kind": {"$ref": "#/components/schemas/FailureKind"},
               "final": {"type": "boolean", "default": false, "description": "No further attempt is worth it."}}}
            """#
        ),
        ("Reason", #"{"type": "string", "minLength": 1, "maxLength": 2000, "pattern": "^[^\\u0000]*$"}"#),
        (
            "FailureKind",
            #"{"type": "string", "maxLength": 50, "pattern": "^[^\\u0000]*$", "description": "What went wrong in a word, to count by."}"#
        ),
        (
            "FailureOutcome",
            #"""
            {"type": "object", "required": ["outcome", "attempts"],
             "properties": {"outcome": {"enum": ["retry", "dead"]}, "attempts": {"type": "integer"},
               "next_try": {"$ref": "#/components/schemas/Time"}}}
            """#
        ),
        (
            "Seek",
            #"""
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
             "properties": {"to": {"enum": ["start", "end"]}, "after": {"$ref": "#/components/schemas/Position"},
               "time": {"type": "string", "format": "date-time", "maxLength": 40,
                 "description": "With the first event of that time or later."}}}
            """#
        ),
        (
            "At",
            ##"{"type": "object", "required": ["position"], "properties": {"position": {"$ref": "#/components/schemas/Position"}}}"##
        ),
        (
            "DeadLetter",
            #"""
            {"type": "object", "required": ["id", "status", "reason", "kind", "attempts", "failed_at", "event"],
             "properties": {"id": {"$ref": "#/components/schemas/Id"}, "status": {"enum": ["dead", "redriving", "resolved", "discarded"]},
               "reason": {"type": "string"}, "kind": {"type": "string"}, "attempts": {"type": "integer"},
               "failed_at": {"$ref": "#/components/schemas/Time"}, "event": {"$ref": "#/components/schemas/Event"}}}
            """#
        ),
        (
            "DeadLetters",
            list(
                "dead_letters", "DeadLetter",
                and: ##", "next_after": {"anyOf": [{"$ref": "#/components/schemas/Position"}, {"type": "null"}]}"##)
        ),
        (
            "Selection",
            #"""
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
             "properties": {"ids": {"type": "array", "minItems": 1, "maxItems": 10000, "items": {"$ref": "#/components/schemas/Id"}},
               "all": {"const": true}}}
            """#
        ),
        ("Changed", #"{"type": "object", "required": ["changed"], "properties": {"changed": {"type": "integer"}}}"#),
        (
            "Settlement",
            #"""
            {"type": "object", "required": ["member", "dead_letter", "epoch"], "additionalProperties": false,
             "properties": {"member": {"$ref": "#/components/schemas/Member"}, "dead_letter": {"$ref": "#/components/schemas/Id"},
               "epoch": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807},
               "failure": {"type": "object", "required": ["reason"], "additionalProperties": false,
                 "description": "Without it the attempt has succeeded.",
                 "properties": {"reason": {"$ref": "#/components/schemas/Reason"}, "kind": {"$ref": "#/components/schemas/FailureKind"}}}}}
            """#
        ),
    ]
}
