internal import SQLSyntax

extension CanonicalLineWriter {
    mutating func writePrograms(_ body: (CanonicalLine) -> Void) {
        for function in catalog.functions.values {
            line.start("function", self.function(function.oid))
            addIdentity(.function, function.oid, owner: function.owner, grants: function.grants)
            line.add("kind", function.kind.rawValue)
            line.add("language", function.language)
            line.add("arguments", function.arguments)
            if let result = function.result { line.add("result", result) }
            line.add("volatility", function.volatility.rawValue + function.parallel)
            line.add("strict", if: function.isStrict)
            line.add("security_definer", if: function.isSecurityDefiner)
            line.add("leakproof", if: function.isLeakproof)
            if function.definition.isEmpty {
                line.add("estimates", "cost \(function.cost) rows \(function.rows)")
            }
            line.add("settings", function.configuration)
            if function.definition.isEmpty { line.add("source", unlessEmpty: function.source) }
            line.add("definition", unlessEmpty: function.definition)
            body(line)
        }
        for type in catalog.types.values {
            line.start("type", self.type(type.oid))
            addIdentity(.type, type.oid, owner: type.owner, grants: type.grants)
            line.add("kind", type.kind.rawValue)
            line.add("labels", type.labels.map { SQL.literal($0) })
            line.add("definition", unlessEmpty: type.definition)
            body(line)
        }
    }

    mutating func writeAttachments(_ body: (CanonicalLine) -> Void) {
        for trigger in catalog.triggers {
            line.start("trigger", "\(relation(trigger.relation)).\(SQL.identifier(trigger.name))")
            line.add("enabled", trigger.enabled)
            line.add("definition", trigger.definition)
            body(line)
        }
        for trigger in catalog.eventTriggers {
            line.start("event trigger", SQL.identifier(trigger.name))
            line.add("event", trigger.event)
            line.add("function", function(trigger.function))
            line.add("enabled", trigger.enabled)
            line.add("tags", trigger.tags.sorted())
            body(line)
        }
        for policy in catalog.policies {
            line.start("policy", "\(relation(policy.relation)).\(SQL.identifier(policy.name))")
            line.add("definition", policy.definition)
            body(line)
        }
        for rule in catalog.rules {
            line.start("rule", "\(relation(rule.relation)).\(SQL.identifier(rule.name))")
            line.add("enabled", rule.enabled)
            line.add("definition", rule.definition)
            body(line)
        }
    }
}
