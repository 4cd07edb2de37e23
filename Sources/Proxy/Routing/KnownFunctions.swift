/// Functions whose body cannot be read and which are known all the same: PostgreSQL's own, and those of extensions that
/// only compute.
enum KnownFunctions {
    /// - Parameter function: one that initdb made, in `pg_catalog` or `information_schema`.
    static func builtIn(_ function: RoutingFunction) -> RoutingFunction {
        var function = function
        guard let group = BuiltInFunctions.group(named: function.name), function.volatility != .immutable else {
            function.needsPrimary = function.volatility == .volatile
            if function.needsPrimary { function.touches.effects = .primaryOnly }
            return function
        }
        function.needsPrimary = group.place == .primary
        function.looksAtCatalog = group.place == .catalogRead
        function.touches.effects = group.effects
        function.touches.readsAnything = group.runsText
        function.touches.writesAnything = group.runsText && function.volatility == .volatile
        return function
    }

    /// Extensions whose functions compute, or make random values, and touch neither tables nor sessions.
    private static let computing: Set<String> = [
        "pgcrypto", "uuid-ossp", "citext", "hstore", "pg_trgm", "unaccent", "fuzzystrmatch", "intarray", "ltree",
        "cube",
        "seg", "earthdistance", "btree_gin", "btree_gist", "vector", "pg_uuidv7", "dict_int", "dict_xsyn", "intagg",
    ]
    /// Trigger functions that only change the row they are called for.
    private static let rowTriggers: Set<String> = ["moddatetime", "insert_username", "autoinc"]

    /// nil for a function that is not known.
    static func ofExtension(_ name: String?, _ function: RoutingFunction) -> RoutingFunction? {
        guard let name else { return nil }
        guard computing.contains(name) || rowTriggers.contains(name) && function.name == name else { return nil }
        var function = function
        if function.name == "set_limit" { function.touches.effects = .settings }
        return function
    }
}
