extension Double {
    /// More than any decimal type of interest has.
    static let mostDecimals = 19

    /// Digits behind the point in decimals; `mostDecimals` where there are as many or more.
    var decimals: Int { (0..<Self.mostDecimals).first { hasDecimals(atMost: $0) } ?? Self.mostDecimals }

    /// Whether a decimal with so many digits behind the point is this double and no other. A quotient of two doubles that are
    /// whole numbers is rounded once, as a decimal that is read: true is always right; of more than 15 digits, false may be wrong.
    @inline(__always)
    func hasDecimals(atMost digits: Int) -> Bool {
        guard digits < Self.mostDecimals else { return true }
        let power = Self.powers[digits]
        let whole = (self * power).rounded()
        return whole.isFinite && whole / power == self
    }

    /// Exact up to 1e22.
    private static let powers: [Double] = (0..<mostDecimals).map { place in
        (0..<place).reduce(1) { product, _ in product * 10 }
    }
}
