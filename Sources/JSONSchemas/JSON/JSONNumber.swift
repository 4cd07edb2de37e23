import BigInt

/// A number of a JSON text, exactly: never rounded to a floating-point number.
///
/// Equal, ordered and hashed by value (1, 1.0 and 10e-1 are one number); `text` is as it was written.
package struct JSONNumber: Sendable {
    /// In lowest terms, so that equal numbers are stored equally: whole numbers of 64 bits as such, all others as
    /// coefficient × 10^exponent, where the coefficient does not end in 0.
    enum Storage: Sendable, Hashable {
        case whole(Int64)
        case decimal(coefficient: Int64, exponent: Int)
        indirect case large(coefficient: BigInt, exponent: Int)
    }

    let storage: Storage
    /// Empty where it is what `storage` would be written as.
    private let written: String

    package init(_ value: Int) {
        storage = .whole(Int64(value))
        written = ""
    }

    init(storage: Storage, written: String) {
        self.storage = storage
        self.written = written
    }

    /// As it was written.
    package var text: String {
        if written.isEmpty, case .whole(let value) = storage { return String(value) }
        return written
    }

    /// No fraction: 1.0 and 1e2 are integers.
    package var isInteger: Bool {
        switch storage {
        case .whole: true
        case .decimal(_, let exponent), .large(_, let exponent): exponent >= 0
        }
    }

    /// The value, if it is a whole number of that size.
    package var int: Int? {
        guard case .whole(let value) = storage else { return nil }
        return Int(value)
    }

    /// 1 above zero, 0, or -1.
    package var sign: Int {
        switch storage {
        case .whole(let value): Int(value.signum())
        case .decimal(let coefficient, _): Int(coefficient.signum())
        case .large(let coefficient, _): Int(coefficient.signum())
        }
    }

    /// Whether this is a whole number times `divisor`, which is above zero.
    package func isMultiple(of divisor: JSONNumber) -> Bool {
        if case .whole(let value) = storage, case .whole(let divisor) = divisor.storage {
            return divisor == -1 || (divisor != 0 && value % divisor == 0)
        }
        let (left, right) = JSONNumber.aligned(self, divisor)
        return !right.isZero && (left % right).isZero
    }
}

extension JSONNumber: Hashable, Comparable {
    package static func == (left: JSONNumber, right: JSONNumber) -> Bool { left.storage == right.storage }

    package func hash(into hasher: inout Hasher) { hasher.combine(storage) }

    package static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        if case .whole(let left) = left.storage, case .whole(let right) = right.storage { return left < right }
        if left.sign != right.sign { return left.sign < right.sign }
        let (left, right) = aligned(left, right)
        return left < right
    }

    /// Both as whole numbers of the same unit.
    private static func aligned(_ left: JSONNumber, _ right: JSONNumber) -> (BigInt, BigInt) {
        let (leftCoefficient, leftExponent) = left.parts
        let (rightCoefficient, rightExponent) = right.parts
        let unit = min(leftExponent, rightExponent)
        return (
            leftCoefficient * BigInt(10).power(leftExponent - unit),
            rightCoefficient * BigInt(10).power(rightExponent - unit)
        )
    }

    private var parts: (coefficient: BigInt, exponent: Int) {
        switch storage {
        case .whole(let value): (BigInt(value), 0)
        case .decimal(let coefficient, let exponent): (BigInt(coefficient), exponent)
        case .large(let coefficient, let exponent): (coefficient, exponent)
        }
    }
}
