/// Which elements of an array, or members of an object, some keyword has looked at: those that `unevaluatedItems` and
/// `unevaluatedProperties` leave alone.
struct EvaluatedMarks {
    private var isAll = false
    private var flags: [Bool]

    init(for value: JSONValue) {
        switch value {
        case .array(let values): flags = Array(repeating: false, count: values.count)
        case .object(let object): flags = Array(repeating: false, count: object.count)
        default: flags = []
        }
    }

    func contains(_ index: Int) -> Bool { isAll || flags[index] }
    mutating func insert(_ index: Int) { flags[index] = true }
    mutating func insertAll() { isAll = true }

    mutating func formUnion(_ other: EvaluatedMarks) {
        if other.isAll { isAll = true }
        guard !isAll else { return }
        for index in flags.indices where other.flags[index] { flags[index] = true }
    }
}
