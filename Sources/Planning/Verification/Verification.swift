/// What `strata verify` found out: every check with its outcome, and the figures that stand behind "nothing was lost".
package struct Verification: Sendable, Equatable, Codable {
    /// Raised when the meaning of the printed JSON changes.
    package static let currentFormat = 1

    package var format = Verification.currentFormat
    package var database: String
    /// Major version of the server, for example 15.
    package var server: Int
    /// In the order of the groups; within a group sorted by object.
    package var checks: [Check] = []
    package var figures = Figures()
    /// Objects that no schema of the layout lists, as `kind schema.name`: no difference, but worth knowing.
    package var unplaced: [String] = []

    package init(database: String, server: Int) {
        self.database = database
        self.server = server
    }

    package var differences: [Check] { checks.filter { $0.outcome == .difference } }
    /// Whether there is no difference; warnings and skipped checks do not count.
    package var isClean: Bool { !checks.contains { $0.outcome == .difference } }

    package mutating func add(_ check: Check) { checks.append(check) }

    /// Sorts the checks by group and object, those of one object in the order in which they were found.
    package mutating func sort() {
        let rank = Dictionary(uniqueKeysWithValues: Check.Group.allCases.enumerated().map { ($1, $0) })
        checks = checks.enumerated().sorted { left, right in
            let (one, other) = (left.element, right.element)
            if one.group != other.group { return rank[one.group, default: 0] < rank[other.group, default: 0] }
            return one.object != other.object ? one.object < other.object : left.offset < right.offset
        }.map(\.element)
    }

    private enum CodingKeys: String, CodingKey {
        case format, clean, database, server, checks, figures, unplaced
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        format = try values.decode(Int.self, forKey: .format)
        database = try values.decode(String.self, forKey: .database)
        server = try values.decode(Int.self, forKey: .server)
        checks = try values.decode([Check].self, forKey: .checks)
        figures = try values.decode(Figures.self, forKey: .figures)
        unplaced = try values.decode([String].self, forKey: .unplaced)
    }

    /// `clean` is written for readers; it follows from the checks.
    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(format, forKey: .format)
        try values.encode(isClean, forKey: .clean)
        try values.encode(database, forKey: .database)
        try values.encode(server, forKey: .server)
        try values.encode(checks, forKey: .checks)
        try values.encode(figures, forKey: .figures)
        try values.encode(unplaced, forKey: .unplaced)
    }
}

extension Verification {
    /// One thing that was looked at.
    package struct Check: Sendable, Hashable, Codable {
        package enum Group: String, Sendable, Codable, CaseIterable {
            /// Every object is where the layout says.
            case placement
            /// Moved objects are what they were before the run.
            case objects
            /// Constraints and indexes are valid.
            case constraints
            /// Bodies of functions find what they name.
            case functions
            /// Statements by the old names work.
            case shims
            case rows
            case appendOnly = "append_only"
            /// Owners and callers may reach what moved.
            case access
        }

        package enum Outcome: String, Sendable, Codable {
            case passed
            /// Something is not as it has to be: exit code 4.
            case difference
            /// Worth reading, nothing lost.
            case warning
            /// Could not be found out; the message says why.
            case skipped
        }

        package var group: Group
        /// A stable name for what was found, in kebab-case, for example `index-invalid`.
        package var code: String
        /// What it is about, as SQL writes it.
        package var object: String
        package var outcome: Outcome
        package var message: String
        /// What to do, as a sentence or a statement to run.
        package var nextStep: String?

        package init(
            _ outcome: Outcome, _ group: Group, _ code: String, _ object: String, _ message: String,
            nextStep: String? = nil
        ) {
            self.group = group
            self.code = code
            self.object = object
            self.outcome = outcome
            self.message = message
            self.nextStep = nextStep
        }
    }

    /// How much was looked at.
    package struct Figures: Sendable, Equatable, Codable {
        /// Applied runs whose baselines were compared.
        package var runs = 0
        /// Objects that the layout lists, with those that follow them.
        package var placed = 0
        /// Objects that were compared with how they were before their run.
        package var compared = 0
        /// Tables that the layout lists or that a run moved; partitions are tables.
        package var tables = 0
        /// Counted, or the planner's estimate; partitions count once.
        package var rows: Int64 = 0
        package var rowsAreExact = false
        /// Tables without any figure: never analysed, not readable, or on another server.
        package var tablesWithoutRows = 0
        package var constraints = 0
        package var foreignKeys = 0
        package var indexes = 0
        package var triggers = 0
        package var policies = 0
        package var comments = 0
        package var grants = 0
        package var sequences = 0
        /// Functions whose bodies were read, and those whose language or text Strata cannot read.
        package var functions = 0
        package var functionsUnread = 0
        package var shims = 0
        /// Shims through which a real row was updated, deleted and inserted again.
        package var shimsWithRow = 0
        /// Shims that ran the same statements on no row.
        package var shimsWithoutRow = 0
        /// Shims whose statements were planned, or resolved, but not run.
        package var shimsPlanned = 0
        package var shimsSkipped = 0

        package init() {}
    }
}
