/// Strings as the NULL-terminated C strings that libpq takes, in one block of memory.
struct CStrings {
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []

    init(_ strings: [String?]) {
        offsets.reserveCapacity(strings.count + 1)
        for string in strings {
            guard let string else {
                offsets.append(nil)
                continue
            }
            offsets.append(bytes.count)
            bytes.append(contentsOf: string.utf8)
            bytes.append(0)
        }
    }

    /// Gives an array of pointers (NULL for nil) that ends with one NULL more.
    func withPointers<R>(_ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> R) rethrows -> R {
        // One byte at least, so that there is a base address.
        let storage = bytes.isEmpty ? [0] : bytes
        return try storage.withUnsafeBytes { block in
            let base = block.baseAddress?.assumingMemoryBound(to: CChar.self)
            var pointers: [UnsafePointer<CChar>?] = offsets.map { offset in
                guard let offset, let base else { return nil }
                return base + offset
            }
            pointers.append(nil)
            return try pointers.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else {
                    preconditionFailure("an array of one element has an address")
                }
                return try body(start)
            }
        }
    }
}
