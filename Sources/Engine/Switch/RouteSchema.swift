/// Where schemas live that a split has taken up, and who follows that: in schema `strata` of the main database.
enum RouteSchema {
    /// Everybody may read where schemas live. `hold` is the number of a switch that is being made: until `hold_until` new
    /// statements that touch the schema wait. `definitions` becomes another number when
    /// what proxies know of the databases has to be read anew. Each change is announced by NOTIFY on ``RouteStore/channel``.
    static let tables = """
        CREATE SEQUENCE IF NOT EXISTS strata.route_epochs;
        CREATE TABLE IF NOT EXISTS strata.routes (
            schema text PRIMARY KEY,
            database text NOT NULL,
            epoch bigint NOT NULL,
            destination text,
            definitions bigint NOT NULL DEFAULT 0,
            hold bigint,
            hold_until timestamptz
        );
        -- One row for each proxy or service that follows the routes; without its session it does not count.
        CREATE TABLE IF NOT EXISTS strata.followers (
            id text PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('proxy', 'library')),
            name text NOT NULL,
            pid integer NOT NULL,
            epoch bigint NOT NULL,
            hold bigint,
            busy integer NOT NULL DEFAULT 0,
            problem text,
            definitions bigint NOT NULL DEFAULT 0,
            seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        GRANT SELECT ON strata.routes TO PUBLIC;
        """
}
