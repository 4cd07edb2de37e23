import JSONSchemas
import Testing

/// Random versions of random schemas: whatever is called compatible has no value that says otherwise.
@Suite("Compatibility, by random")
struct SchemaCompatibilityPropertyTests {
    private struct Maker {
        var random: SeededGenerator

        mutating func schema(_ depth: Int) -> JSONValue {
            if random.chance(6) { return .bool(random.chance(70)) }
            var object = JSONObject()
            for _ in 0..<Int.random(in: 1...3, using: &random) { keyword(&object, depth) }
            return .object(object)
        }

        private mutating func keyword(_ object: inout JSONObject, _ depth: Int) {
            let choice = Int.random(in: 0..<(depth > 0 ? 30 : 13), using: &random)
            switch choice {
            case 0...1:
                object.append("type", .string(random.pick(["object", "array", "string", "integer", "number", "null"])))
            case 2:
                object.append(
                    "type", random.pick([["string", "object"], ["integer", "null"], ["array", "number", "boolean"]]))
            case 3: object.append("enum", random.pick([["a", 1, nil], [1, 2], [["a": 1], "b"], [true, [], "ab"]]))
            case 4: object.append("const", random.pick([1, "a", nil, ["a": 1], [1]]))
            case 5: object.append(random.pick(["minimum", "exclusiveMinimum"]), number())
            case 6: object.append(random.pick(["maximum", "exclusiveMaximum"]), number())
            case 7: object.append("multipleOf", random.pick([2, 1, .number(JSONNumber("0.5") ?? JSONNumber(1))]))
            case 8: object.append(random.pick(["minLength", "minItems", "minProperties"]), count())
            case 9: object.append(random.pick(["maxLength", "maxItems", "maxProperties"]), count())
            case 10: object.append("required", random.pick([["a"], ["a", "b"], ["c"]]))
            case 11: object.append("pattern", random.pick(["^a", "b$"]))
            case 12: object.append("uniqueItems", true)
            case 13...16: object.append("properties", members(depth))
            case 17: object.append("additionalProperties", schema(depth - 1))
            case 18: object.append("patternProperties", patterned(depth))
            case 19: object.append("items", schema(depth - 1))
            case 20: object.append("prefixItems", list(depth))
            case 21:
                object.append("contains", schema(depth - 1))
                if random.chance(50) { object.append(random.pick(["minContains", "maxContains"]), count()) }
            case 22:
                object.append(
                    "propertyNames", random.pick([["maxLength": 1], ["enum": ["a", "b"]], ["pattern": "^a"]]))
            case 23: object.append("anyOf", list(depth))
            case 24: object.append("oneOf", list(depth))
            case 25: object.append("allOf", list(depth))
            case 26: object.append("not", schema(depth - 1))
            case 27:
                object.append("if", schema(depth - 1))
                object.append("then", schema(depth - 1))
                if random.chance(50) { object.append("else", schema(depth - 1)) }
            case 28: object.append("dependentSchemas", members(depth))
            default: object.append(random.pick(["dependentRequired"]), ["a": ["b"]])
            }
        }

        private mutating func number() -> JSONValue {
            random.pick([0, 1, 2, .number(JSONNumber("0.5") ?? JSONNumber(1))])
        }
        private mutating func count() -> JSONValue { random.pick([0, 1, 2]) }

        private mutating func members(_ depth: Int) -> JSONValue {
            var object = JSONObject()
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                object.append(random.pick(["a", "b", "c", "ab"]), schema(depth - 1))
            }
            return .object(object)
        }

        private mutating func patterned(_ depth: Int) -> JSONValue {
            var object = JSONObject()
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                object.append(random.pick(["^a", "b$", "c"]), schema(depth - 1))
            }
            return .object(object)
        }

        private mutating func list(_ depth: Int) -> JSONValue {
            .array((0..<Int.random(in: 1...2, using: &random)).map { _ in schema(depth - 1) })
        }

        /// A later version: mostly the same, with a keyword taken away, added or changed somewhere.
        mutating func changed(_ value: JSONValue, _ depth: Int) -> JSONValue {
            guard case .object(let object) = value, !random.chance(8) else { return schema(depth) }
            var copy = JSONObject()
            let place = object.isEmpty ? 0 : Int.random(in: 0..<object.count, using: &random)
            for (index, member) in object.members.enumerated() {
                if index == place, random.chance(30) { continue }
                copy.append(member.key, index == place ? changedWithin(member.key, member.value, depth) : member.value)
            }
            if random.chance(20) { keyword(&copy, depth) }
            return .object(copy)
        }

        private mutating func changedWithin(_ key: String, _ value: JSONValue, _ depth: Int) -> JSONValue {
            switch (key, value) {
            case ("properties", .object(let object)), ("dependentSchemas", .object(let object)),
                ("patternProperties", .object(let object)):
                var copy = JSONObject()
                for member in object.members {
                    copy.append(member.key, random.chance(60) ? changed(member.value, depth - 1) : member.value)
                }
                return .object(copy)
            case ("anyOf", .array(let values)), ("oneOf", .array(let values)), ("allOf", .array(let values)),
                ("prefixItems", .array(let values)):
                return .array(values.map { random.chance(60) ? changed($0, depth - 1) : $0 })
            case ("items", _), ("not", _), ("if", _), ("then", _), ("else", _), ("contains", _),
                ("additionalProperties", _):
                return changed(value, depth - 1)
            case ("minimum", _), ("maximum", _), ("exclusiveMinimum", _), ("exclusiveMaximum", _): return number()
            case ("minLength", _), ("maxLength", _), ("minItems", _), ("maxItems", _), ("minProperties", _),
                ("maxProperties", _):
                return count()
            default: return value
            }
        }

        mutating func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 0 ? 16 : 7), using: &random) {
            case 0: return nil
            case 1: return .bool(random.chance(50))
            case 2, 3: return random.pick([0, 1, 2, 3, -1])
            case 4: return .number(JSONNumber(random.pick(["0.5", "1.5", "0.25"])) ?? JSONNumber(0))
            case 5, 6: return random.pick(["", "a", "b", "ab", "aab", "c"])
            case 7...9: return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth - 1) })
            default:
                var object = JSONObject()
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    object.append(random.pick(["a", "b", "c", "ab", "d"]), value(depth - 1))
                }
                return .object(object)
            }
        }
    }

    @Test("no value is valid before and invalid after", arguments: [1, 2, 3, 4] as [UInt64])
    func noCounterexample(_ seed: UInt64) throws {
        var maker = Maker(random: SeededGenerator(seed: seed))
        let values = (0..<150).map { _ in maker.value(2) }
        var shown = 0
        var refuted = 0
        for _ in 0..<700 {
            let oldText = maker.schema(2)
            var newText = maker.changed(oldText, 2)
            if maker.random.chance(30) { newText = maker.changed(newText, 2) }
            let old = try JSONSchema.compile(oldText)
            let new = try JSONSchema.compile(newText)
            let oldValid = values.map(old.isValid)
            let newValid = values.map(new.isValid)
            for rule in [SchemaCompatibility.Rule.backward, .forward] {
                let isCompatible = SchemaCompatibility.check(old: old, new: new, rule: rule).isEmpty
                let (before, after) = rule == .backward ? (oldValid, newValid) : (newValid, oldValid)
                let against = values.indices.first { before[$0] && !after[$0] }
                if isCompatible { shown += 1 }
                if against != nil { refuted += 1 }
                if isCompatible, let against {
                    Issue.record("\(rule): \(oldText) to \(newText): \(values[against])")
                }
            }
        }
        // Neither is empty: most of what no value refutes can be shown.
        #expect(shown > 350)
        #expect(refuted > 150)
        print("compatibility: of 1400 random questions \(shown) shown, \(refuted) refuted by a value")
    }
}
