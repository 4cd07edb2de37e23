/// What was seen of a column: how many values of each class, and how far they reach. Adds up over parts of a table.
package struct ColumnEvidence: Sendable, Hashable {
    package var counts: [Int]
    package var smallestInteger: Int64?
    package var largestInteger: Int64?
    package var smallestReal: Double?
    package var largestReal: Double?
    /// Digits behind the point of reals, as the shortest decimals that are the same doubles: not more than so many.
    package var realDigits = 0
    /// In characters, of valid texts.
    package var longestText = 0
    /// In bytes, of texts and blobs.
    package var mostBytes = 0
    /// Digits before and behind the point, of decimal texts.
    package var wholeDigits = 0
    package var fractionDigits = 0
    /// Digits of the fraction of a second, of texts that say a time.
    package var secondDigits = 0
    /// Of texts that say a day and a time without a zone: 20240229 for that day.
    package var firstDay: Int?
    package var lastDay: Int?
    /// By class: the rowid of one value, where the table has rowids.
    package var examples: [ValueClass: Int64] = [:]

    package init() { counts = [Int](repeating: 0, count: ValueClass.allCases.count) }

    package subscript(_ value: ValueClass) -> Int {
        get { counts[value.rawValue] }
        set { counts[value.rawValue] = newValue }
    }

    package var total: Int { counts.reduce(0, +) }
    package var notNull: Int { total - self[.null] }

    package func count(_ storage: ValueClass.Storage) -> Int {
        ValueClass.allCases.filter { $0.storage == storage }.reduce(0) { $0 + self[$1] }
    }

    package func count(of classes: [ValueClass]) -> Int { classes.reduce(0) { $0 + self[$1] } }

    package mutating func add(_ other: ColumnEvidence) {
        for index in counts.indices { counts[index] += other.counts[index] }
        smallestInteger = Self.best(smallestInteger, other.smallestInteger, min)
        largestInteger = Self.best(largestInteger, other.largestInteger, max)
        smallestReal = Self.best(smallestReal, other.smallestReal, min)
        largestReal = Self.best(largestReal, other.largestReal, max)
        realDigits = max(realDigits, other.realDigits)
        longestText = max(longestText, other.longestText)
        mostBytes = max(mostBytes, other.mostBytes)
        wholeDigits = max(wholeDigits, other.wholeDigits)
        fractionDigits = max(fractionDigits, other.fractionDigits)
        secondDigits = max(secondDigits, other.secondDigits)
        firstDay = Self.best(firstDay, other.firstDay, min)
        lastDay = Self.best(lastDay, other.lastDay, max)
        examples.merge(other.examples) { min($0, $1) }
    }

    private static func best<T>(_ left: T?, _ right: T?, _ choose: (T, T) -> T) -> T? {
        guard let left, let right else { return left ?? right }
        return choose(left, right)
    }
}

package struct TableEvidence: Sendable, Hashable {
    package var rows = 0
    /// By the column's name, of generated ones too.
    package var columns: [String: ColumnEvidence] = [:]
    package var smallestRowid: Int64?
    package var largestRowid: Int64?
    /// Rowids at which about equal parts of the table begin, ascending, without the first.
    package var boundaries: [Int64] = []

    package init() {}
}
