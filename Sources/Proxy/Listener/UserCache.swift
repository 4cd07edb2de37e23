internal import PostgresWire

/// What became of looking a user up.
enum UserAnswer: Sendable, Equatable {
    case found(FoundUser)
    case unknown
    /// Nobody could be asked.
    case failed
}

/// A user of the database, as `auth_query` tells.
struct FoundUser: Sendable, Equatable {
    let secret: UserSecret
    /// For SCRAM: the verifier, also where the database has the password itself.
    let verifier: UserSecret
}

/// Who was looked up, who is to be, and who waits for it; no clock, no connection. Questions for one user are one.
///
/// It is bounded in users, and what it says is soon out of date: a password that was changed and a role that was made are
/// not to be waited for.
struct UserCache<Waiter> {
    enum Step: Equatable {
        case known(UserAnswer)
        /// The waiter hears of it. `isNew`: somebody has to be told that there is work.
        case waits(isNew: Bool)
    }

    struct Limits: Sendable {
        /// Users that are remembered, and users that wait to be looked up.
        var users = 10_000
        var questions = 1_000
        /// For how long an answer counts.
        var found: Duration = .seconds(10)
        var unknown: Duration = .seconds(1)
    }

    private struct Entry {
        var answer: UserAnswer
        var until: UInt64
    }

    private let limits: Limits
    private var known: [String: Entry] = [:]
    private var waiting: [String: [Waiter]] = [:]
    private var queue: [String] = []
    private(set) var hits = 0
    private(set) var questions = 0
    private(set) var failures = 0

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// - Parameter now: nanoseconds of the monotonic clock.
    mutating func ask(_ user: String, at now: UInt64, _ waiter: Waiter) -> Step {
        if let entry = known[user], entry.until > now {
            hits += 1
            return .known(entry.answer)
        }
        if waiting[user] != nil {
            waiting[user]?.append(waiter)
            return .waits(isNew: false)
        }
        guard waiting.count < limits.questions else { return .known(.failed) }
        waiting[user] = [waiter]
        queue.append(user)
        return .waits(isNew: true)
    }

    /// The user that waits longest to be looked up.
    mutating func next() -> String? {
        guard !queue.isEmpty else { return nil }
        questions += 1
        return queue.removeFirst()
    }

    /// - Returns: who waited for it.
    mutating func settle(_ user: String, _ answer: UserAnswer, at now: UInt64) -> [Waiter] {
        switch answer {
        case .found: remember(user, answer, until: now + limits.found.nanoseconds, now)
        case .unknown: remember(user, answer, until: now + limits.unknown.nanoseconds, now)
        case .failed: failures += 1
        }
        return waiting.removeValue(forKey: user) ?? []
    }

    private mutating func remember(_ user: String, _ answer: UserAnswer, until: UInt64, _ now: UInt64) {
        if known.count >= limits.users, known[user] == nil {
            known = known.filter { $0.value.until > now }
            // A stranger who tries names makes those forgotten who are asked for once more, and no more than that.
            if known.count >= limits.users { known.removeAll() }
        }
        known[user] = Entry(answer: answer, until: until)
    }

    /// What the database said last, however long ago: servers are logged in to with it, and they judge it themselves.
    func last(_ user: String) -> FoundUser? {
        guard case .found(let found)? = known[user]?.answer else { return nil }
        return found
    }

    mutating func forget() { known.removeAll() }
}
