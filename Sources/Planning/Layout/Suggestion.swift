/// The name among `candidates` that `name` was most probably meant to be, or nil when none is close.
///
/// Close means at most a third of the letters differ (and at most three): letters left out, added, replaced, or two
/// neighbours swapped; a different case counts only between names that are otherwise equally close. Of several, the
/// alphabetically first is taken, so that the answer never depends on the order. Names over 128 characters get no answer.
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let exact = Array(name.unicodeScalars)
    guard !exact.isEmpty, exact.count <= 128 else { return nil }
    let folded = Array(name.lowercased().unicodeScalars)
    var limit = min(3, max(1, exact.count / 3))
    var best: (name: String, distance: Int, caseDistance: Int)?
    for candidate in candidates where candidate != name {
        guard abs(candidate.unicodeScalars.count - exact.count) <= limit else { continue }
        let other = Array(candidate.lowercased().unicodeScalars)
        guard let distance = editDistance(folded, other, limit: limit) else { continue }
        // Letters that only differ in case are compared last: at most every letter differs, hence this bound.
        let written = Array(candidate.unicodeScalars)
        let caseDistance = editDistance(exact, written, limit: exact.count + written.count) ?? Int.max
        if let found = best, (found.distance, found.caseDistance, found.name) <= (distance, caseDistance, candidate) {
            continue
        }
        best = (candidate, distance, caseDistance)
        limit = distance
    }
    return best?.name
}

/// Damerau-Levenshtein distance (optimal string alignment), or nil when it is more than `limit`.
func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar], limit: Int) -> Int? {
    guard abs(left.count - right.count) <= limit else { return nil }
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 1...left.count {
        var current = [row]
        current.reserveCapacity(right.count + 1)
        for column in 1...right.count {
            let replaced = last[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
            var cost = min(replaced, last[column] + 1, current[column - 1] + 1)
            if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                cost = min(cost, beforeLast[column - 2] + 1)
            }
            current.append(cost)
        }
        guard current.contains(where: { $0 <= limit }) else { return nil }
        (beforeLast, last) = (last, current)
    }
    return last[right.count] <= limit ? last[right.count] : nil
}
