/// What a factory tells its application beside results, for its log. Without secrets.
public enum FactoryEvent: Sendable, Hashable, CustomStringConvertible {
    /// A warning about the layout.
    case warning(String)
    /// A schema's home is another one than before, or than the layout's.
    case moved(schema: String, from: String, to: String)
    /// The main database cannot be followed: the last known routes stay in use. It is tried again.
    case followingLost(reason: String, nextTry: Duration)
    /// The main database is followed again.
    case following
    /// A switch does not know of this process and will not wait for its uses; the guards of an old home refuse their writes.
    case notRegistered(reason: String)
    /// A schema's own connection string belongs to another database than the one where the schema lives now; the layout's
    /// is used.
    case urlNotUsed(variable: String, schema: String, home: String)

    public var description: String {
        switch self {
        case .warning(let text): text
        case .moved(let schema, let from, let to): "schema \(schema) is in database \(to) now, and not in \(from)"
        case .followingLost(let reason, let nextTry):
            "cannot follow the routes on the main database, those last known stay in use; "
                + "next try within \(nextTry): \(reason)"
        case .following: "the routes on the main database are followed again"
        case .notRegistered(let reason):
            "a switch will not wait for this process, because strata.followers cannot be written: \(reason)"
        case .urlNotUsed(let variable, let schema, let home):
            "\(variable) leads to another database than \(home), where schema \(schema) lives now: the layout's url is used"
        }
    }
}
