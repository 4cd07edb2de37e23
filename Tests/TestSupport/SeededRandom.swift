import Foundation

/// SplitMix64: the same numbers for the same seed, everywhere.
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    /// True once in so many times.
    package mutating func once(in times: Int) -> Bool { below(times) == 0 }

    package mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }

    /// `STRATA_FUZZ_SEED` (number), else the usual one, else another one each time; always printed, because it is what a
    /// failure needs.
    package static func seed(for what: String, usual: UInt64? = nil) -> UInt64 {
        let given = ProcessInfo.processInfo.environment["STRATA_FUZZ_SEED"].flatMap { UInt64($0) }
        let seed = given ?? usual ?? UInt64.random(in: 0...UInt64.max)
        print("\(what): STRATA_FUZZ_SEED=\(seed)")
        return seed
    }
}
