/// Limits of a verification: bounds on what the application can feel of it.
package struct VerifyOptions: Sendable {
    /// Count every row in one snapshot instead of taking the planner's estimates (default false).
    package var exactRows = false
    /// The longest wait for one lock; what takes longer is skipped and said to be (default 500 ms).
    package var lockTimeout: Duration = .milliseconds(500)
    /// The longest single statement through a shim (default 10 s).
    package var shimTimeout: Duration = .seconds(10)
    /// The longest count of one table (default 1 h).
    package var countTimeout: Duration = .seconds(3600)

    package init(exactRows: Bool = false) { self.exactRows = exactRows }
}

/// What a verification tells while it is at work; bounded by the number of shims and tables.
package enum VerifyEvent: Sendable {
    /// The checks of the catalog are done; how many shims and tables follow.
    case catalogChecked(shims: Int, tables: Int)
    case shim(String, position: Int, of: Int)
    /// `rows` were counted so far, of about `expected`; `remaining` is nil before anything is known.
    case counting(String, position: Int, of: Int, rows: Int64, expected: Int64, remaining: Duration?)
    case finished(differences: Int)
}
