/// What is written and read under load: rows of which each has one writer and a version that only grows. `write` and
/// `read` name different tables where the one leads to the other.
enum FreshnessLoadTables {
    struct Kind: Sendable {
        /// SQL with `$1` for the row's id and `$2` for the version.
        var write: String
        var read: String

        init(_ write: String, reading: String) {
            self.write = write
            read = reading
        }

        func write(_ id: Int, _ version: Int) -> String {
            write.replacing("$1", with: "\(id)").replacing("$2", with: "\(version)")
        }

        /// Also tells who answers.
        func read(_ id: String) -> String {
            "SELECT version, current_setting('port') FROM \(read) WHERE id = \(id)"
        }
    }

    static let all: [Kind] =
        (0..<5).map { Kind("UPDATE plain_\($0) SET version = $2 WHERE id = $1", reading: "plain_\($0)") } + [
            // A trigger writes the table that is read.
            Kind("UPDATE noted SET version = $2 WHERE id = $1", reading: "tally"),
            // A foreign key carries the new key on.
            Kind("UPDATE parent SET version = $2 WHERE id = $1", reading: "child"),
            // Read through a view, and written through one.
            Kind("UPDATE base SET version = $2 WHERE id = $1", reading: "base_view"),
            Kind("UPDATE shown_view SET version = $2 WHERE id = $1", reading: "shown"),
            // A rule says what a write of the view means.
            Kind("UPDATE ruled_view SET version = $2 WHERE id = $1", reading: "ruled"),
            // A function of which only the name is in the text.
            Kind("SELECT bump($1, $2)", reading: "bumped"),
            // Written by the partitioned table's name, read by the partition's.
            Kind("UPDATE parts SET version = $2 WHERE id = $1", reading: "parts_all"),
            Kind("WITH w AS (UPDATE deep SET version = $2 WHERE id = $1 RETURNING 1) SELECT 1", reading: "deep"),
            Kind(
                "INSERT INTO upserted VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version",
                reading: "upserted"),
        ]

    static func setup(rows: Int) -> String {
        let plain = (0..<5).map { "plain_\($0)" }
        let tables = plain + ["noted", "tally", "base", "shown", "ruled", "bumped", "deep", "upserted"]
        let made = tables.map { "CREATE TABLE \($0) (id int PRIMARY KEY, version bigint NOT NULL);" }
        let filled = (tables + ["parent", "child", "parts"]).map {
            "INSERT INTO \($0) SELECT id, 0 FROM generate_series(0, \(rows - 1)) id;"
        }
        return made.joined(separator: "\n") + special + filled.joined(separator: "\n")
    }

    private static let special = """

        CREATE TABLE parent (id int PRIMARY KEY, version bigint NOT NULL, UNIQUE (id, version));
        CREATE TABLE child (id int PRIMARY KEY, version bigint NOT NULL,
            FOREIGN KEY (id, version) REFERENCES parent (id, version) ON UPDATE CASCADE);
        CREATE TABLE parts (id int NOT NULL, version bigint NOT NULL) PARTITION BY RANGE (id);
        CREATE TABLE parts_all PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN UPDATE tally SET version = NEW.version WHERE id = NEW.id; RETURN NULL; END';
        CREATE TRIGGER note AFTER UPDATE ON noted FOR EACH ROW EXECUTE FUNCTION note();
        CREATE FUNCTION bump(which int, new bigint) RETURNS void LANGUAGE plpgsql AS
            'BEGIN UPDATE bumped SET version = new WHERE id = which; END';
        CREATE VIEW base_view AS SELECT id, version FROM base;
        CREATE VIEW shown_view AS SELECT id, version FROM shown;
        CREATE VIEW ruled_view AS SELECT id, version, 1 AS one FROM ruled;
        CREATE RULE ruled AS ON UPDATE TO ruled_view DO INSTEAD
            UPDATE ruled SET version = NEW.version WHERE id = OLD.id;

        """
}
