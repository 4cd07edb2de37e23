/// Reads the fields of one Protocol Buffers message; enough for the scanner's answer.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case bytes(Range<Int>)
        case fixed
    }

    private let bytes: [UInt8]
    private let end: Int
    private var position: Int
    /// Whether the message ended in the middle of a field or held an unknown wire type.
    private(set) var failed = false

    init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// A reader of the message inside a field of this one.
    func slice(_ range: Range<Int>) -> ProtobufReader {
        ProtobufReader(bytes, range)
    }

    /// The next field, nil at the end or when `failed`.
    mutating func next() -> (number: Int, value: Value)? {
        guard position < end, !failed else { return nil }
        guard let tag = varint() else { return nil }
        let number = Int(truncatingIfNeeded: tag >> 3)
        switch tag & 7 {
        case 0: return varint().map { (number, .varint($0)) }
        case 1: return skip(8) == nil ? nil : (number, .fixed)
        case 2:
            guard let length = varint(), let range = skip(Int(clamping: length)) else { return nil }
            return (number, .bytes(range))
        case 5: return skip(4) == nil ? nil : (number, .fixed)
        default:
            failed = true
            return nil
        }
    }

    private mutating func skip(_ count: Int) -> Range<Int>? {
        guard count <= end - position else {
            failed = true
            return nil
        }
        position += count
        return (position - count)..<position
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        failed = true
        return nil
    }
}
