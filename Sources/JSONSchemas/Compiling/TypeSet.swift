/// Types that a value may have. `number` contains `integer`.
struct TypeSet: OptionSet, Sendable, Hashable {
    var rawValue: UInt8

    static let null = TypeSet(rawValue: 1)
    static let boolean = TypeSet(rawValue: 2)
    static let integer = TypeSet(rawValue: 4)
    static let fraction = TypeSet(rawValue: 8)
    static let string = TypeSet(rawValue: 16)
    static let array = TypeSet(rawValue: 32)
    static let object = TypeSet(rawValue: 64)
    static let number: TypeSet = [.integer, .fraction]
    static let all = TypeSet(rawValue: 127)
    /// Those that no other is part of.
    static let each: [TypeSet] = [.null, .boolean, .integer, .fraction, .string, .array, .object]

    static let names = ["null", "boolean", "integer", "number", "string", "array", "object"]
    private static let named: [TypeSet] = [.null, .boolean, .integer, .number, .string, .array, .object]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(name: String) {
        guard let index = TypeSet.names.firstIndex(of: name) else { return nil }
        self = TypeSet.named[index]
    }

    /// The type of one value.
    init(of value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool: self = .boolean
        case .number(let number): self = number.isInteger ? .integer : .fraction
        case .string: self = .string
        case .array: self = .array
        case .object: self = .object
        }
    }

    /// For a sentence: `string or null`.
    var text: String {
        var names: [String] = []
        for (name, set) in zip(TypeSet.names, TypeSet.named) where isSuperset(of: set) {
            if name == "integer", isSuperset(of: .number) { continue }
            names.append(name)
        }
        if contains(.fraction), !contains(.integer) { names.append("number with a fraction") }
        return names.isEmpty ? "no type" : names.joined(separator: " or ")
    }
}
