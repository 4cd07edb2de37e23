/// A schema, compiled: references are numbers of nodes, patterns are compiled, keywords stand by the type they are for.
///
/// A class so that looking at it copies nothing.
final class SchemaNode: Sendable {
    let document: String
    let pointer: JSONPointer
    let resource: Int
    let verdict: Bool?
    let types: TypeSet
    let allowed: AllowedValues?
    let constant: JSONValue?
    let number: NumberRules?
    let string: StringRules?
    let array: ArrayRules?
    let object: ObjectRules?
    let applicators: [Applicator]
    let unevaluatedItems: Int?
    let unevaluatedProperties: Int?

    init(_ parts: Parts) {
        document = parts.document
        pointer = parts.pointer
        resource = parts.resource
        verdict = parts.verdict
        types = parts.types
        allowed = parts.allowed
        constant = parts.constant
        number = parts.number
        string = parts.string
        array = parts.array
        object = parts.object
        applicators = parts.applicators
        unevaluatedItems = parts.unevaluatedItems
        unevaluatedProperties = parts.unevaluatedProperties
    }

    /// Whether it has to know what others in the same place looked at.
    var needsMarks: Bool { unevaluatedItems != nil || unevaluatedProperties != nil }

    /// What a node is made of.
    struct Parts {
        /// Where it was written.
        var document: String
        var pointer: JSONPointer
        /// Which resource it is in, for dynamic references.
        var resource: Int
        /// Of the schemas true and false.
        var verdict: Bool?
        var types = TypeSet.all
        var allowed: AllowedValues?
        var constant: JSONValue?
        var number: NumberRules?
        var string: StringRules?
        var array: ArrayRules?
        var object: ObjectRules?
        var applicators: [Applicator] = []
        var unevaluatedItems: Int?
        var unevaluatedProperties: Int?

        /// Without any of this it is as the schema true.
        var demandsAnything: Bool {
            types != .all || allowed != nil || constant != nil || number != nil || string != nil || array != nil
                || object != nil || !applicators.isEmpty || unevaluatedItems != nil || unevaluatedProperties != nil
        }
    }
}

/// Of `enum`.
struct AllowedValues: Sendable, Hashable {
    var values: [JSONValue]
    var set: Set<JSONValue>

    init(_ values: [JSONValue]) {
        self.values = values
        set = Set(values)
    }
}

struct NumberRules: Sendable {
    var minimum: JSONNumber?
    var exclusiveMinimum: JSONNumber?
    var maximum: JSONNumber?
    var exclusiveMaximum: JSONNumber?
    var divisor: JSONNumber?
}

struct StringRules: Sendable {
    var minimum = 0
    var maximum = Int.max
    var pattern: Pattern?
    var format: SchemaFormat?
}

struct ArrayRules: Sendable {
    struct Contains: Sendable {
        var schema: Int
        var minimum = 1
        var maximum = Int.max
        /// Whether what it finds counts as evaluated, which it does not in draft 7.
        var marks: Bool
    }

    var minimum = 0
    var maximum = Int.max
    var isUnique = false
    /// By position, `prefixItems`; what follows, `items` (in draft 7 `items` and `additionalItems`).
    var prefix: [Int] = []
    var rest: Int?
    var contains: Contains?
}

struct ObjectRules: Sendable {
    struct Patterned: Sendable {
        var pattern: Pattern
        var schema: Int
    }

    struct Dependency: Sendable {
        var key: String
        var required: [String]
        var keyword: String
    }

    var minimum = 0
    var maximum = Int.max
    var required: [String] = []
    var dependencies: [Dependency] = []
    var properties: [JSONKey: Int] = [:]
    var patterns: [Patterned] = []
    var additional: Int?
    var names: Int?

    /// Whether members have to be looked at one by one.
    var looksAtMembers: Bool { !properties.isEmpty || !patterns.isEmpty || additional != nil || names != nil }
}

/// A keyword that applies schemas to the same value.
enum Applicator: Sendable {
    case reference(Int)
    /// By name, from the outermost resource that has it; else the node.
    case dynamicReference(JSONKey, Int)
    case allOf([Int])
    case anyOf([Int])
    case oneOf([Int])
    case not(Int)
    case condition(Int, then: Int?, otherwise: Int?)
    case dependent([(key: String, schema: Int)])
}
