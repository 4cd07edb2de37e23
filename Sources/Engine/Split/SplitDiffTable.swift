import Planning
import PostgresDriver
import SQLSyntax

/// A table as a comparison reads it, in SQL: by ranges of its key, or as a whole.
struct SplitDiffTable: Sendable {
    var oid: UInt32
    /// As SQL names it.
    var name: String
    var columns: [String]
    /// The primary key, or the index that tells rows apart; empty where there is none.
    var key = Key()

    struct Key: Sendable {
        /// As SQL names them, and their types.
        var columns: [(column: String, type: String)] = []
        /// Both sides sort it alike. Texts are sorted by each server's own rules.
        var isSorted = true
    }

    static func keys(in schema: String, _ connection: Connection) async throws -> [UInt32: Key] {
        var keys: [UInt32: Key] = [:]
        for row in try await connection.query(
            """
            SELECT DISTINCT ON (c.oid) c.oid,
                   ARRAY(SELECT quote_ident(a.attname) FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(n, place)
                           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n ORDER BY k.place) AS columns,
                   ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM unnest(x.indkey::int2[]) WITH ORDINALITY k(n, place)
                           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n ORDER BY k.place) AS types,
                   NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (x.indkey::int2[])
                                  AND a.attcollation <> 0) AS sorted
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index x ON x.indrelid = c.oid
              JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
             WHERE n.nspname = $1 AND c.relkind = 'r' AND m.amname = 'btree' AND x.indisvalid
               AND (x.indisprimary OR x.indisreplident) AND x.indnatts = x.indnkeyatts
               -- Equal, but not the same: a value of one side would not find its row of the other.
               AND NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_collation o ON o.oid = a.attcollation
                                WHERE a.attrelid = c.oid AND a.attnum = ANY (x.indkey::int2[]) AND NOT o.collisdeterministic)
             ORDER BY c.oid, x.indisprimary DESC
            """, [.text(schema)])
        {
            keys[try row.uint32("oid")] = Key(
                columns: zip(try row.textArray("columns"), try row.textArray("types")).map { (column: $0, type: $1) },
                isSorted: try row.bool("sorted"))
        }
        return keys
    }

    /// One row in text, without columns that are computed from others.
    private var text: String { "ROW(\(columns.joined(separator: ", ")))::text" }
    private var hash: String { "hashtextextended(\(text), 0)" }
    private var list: String { key.columns.map(\.column).joined(separator: ", ") }

    private func values(_ place: Int) -> String {
        key.columns.enumerated().map { "$\(place + $0.offset)::text::\($0.element.type)" }.joined(separator: ", ")
    }

    /// The key that ends the next range; none: the table ends in it. Parameters: the key before.
    func boundary(isFirst: Bool, rows: Int) -> String {
        """
        SELECT ARRAY[\(key.columns.map { "\($0.column)::text" }.joined(separator: ", "))] AS key FROM ONLY \(name)
        \(range(isFirst: isFirst, isLast: true)) ORDER BY \(list) OFFSET \(rows - 1) LIMIT 1
        """
    }

    private func range(isFirst: Bool, isLast: Bool) -> String {
        var parts: [String] = []
        if !isFirst { parts += bound(1, ">", first: ">=") }
        if !isLast { parts += bound(isFirst ? 1 : 1 + key.columns.count, "<=", first: "<=") }
        return parts.isEmpty ? "" : "WHERE " + parts.joined(separator: " AND ")
    }

    /// Of keys with several columns the server expects a third of the table, and would read all of it for each range: what
    /// follows for the first column lets it see how few rows there are.
    private func bound(_ place: Int, _ comparison: String, first: String) -> [String] {
        let whole = "(\(list)) \(comparison) (\(values(place)))"
        guard key.columns.count > 1, let leading = key.columns.first else { return [whole] }
        return [whole, "\(leading.column) \(first) $\(place)::text::\(leading.type)"]
    }

    /// Sums do not depend on the order, and cannot overflow: those of bigint are numeric. Parameters: the key before, unless
    /// it is the first; the key that ends it, unless it is the last.
    func sum(isFirst: Bool, isLast: Bool) -> String {
        """
        SELECT count(*) AS rows, coalesce(sum(\(hash)), 0)::text AS sum FROM ONLY \(name)
        \(range(isFirst: isFirst, isLast: isLast))
        """
    }

    /// Each row's key and hash; at most `limit`. Parameters as of `sum`.
    func rows(isFirst: Bool, isLast: Bool, limit: Int) -> String {
        """
        SELECT ARRAY[\(key.columns.map { "\($0.column)::text" }.joined(separator: ", "))] AS key, \(hash) AS hash FROM ONLY \(name)
        \(range(isFirst: isFirst, isLast: isLast)) ORDER BY \(list) LIMIT \(limit)
        """
    }

    // MARK: Buckets

    /// Which of so many, a power of two, a row belongs to, by its key.
    private func bucket(of count: Int) -> String { "(hashtextextended(ROW(\(list))::text, 1) & \(count - 1))" }

    /// Of all buckets at once.
    func bucketSums(_ count: Int) -> String {
        """
        SELECT \(bucket(of: count)) AS bucket, count(*) AS rows, coalesce(sum(\(hash)), 0)::text AS sum
          FROM ONLY \(name) GROUP BY 1
        """
    }

    /// Each row's key and hash. Parameter: the numbers of buckets.
    func bucketRows(_ count: Int, limit: Int) -> String {
        """
        SELECT ARRAY[\(key.columns.map { "\($0.column)::text" }.joined(separator: ", "))] AS key, \(hash) AS hash FROM ONLY \(name)
         WHERE \(bucket(of: count)) = ANY ($1::bigint[]) LIMIT \(limit)
        """
    }

    // MARK: Rows

    /// The same of single rows. Parameters: for each column of the key an array of texts.
    var single: String {
        let names = key.columns.indices.map { "k\($0)" }
        let casts = zip(names, key.columns).map { "\($0)::\($1.type)" }.joined(separator: ", ")
        let arrays = key.columns.indices.map { "$\($0 + 1)::text[]" }.joined(separator: ", ")
        return """
            SELECT ARRAY[\(key.columns.map { "\($0.column)::text" }.joined(separator: ", "))] AS key, \(hash) AS hash
              FROM ONLY \(name)
             WHERE (\(list)) IN (SELECT \(casts) FROM unnest(\(arrays)) AS w(\(names.joined(separator: ", "))))
            """
    }

    /// They stand still until the transaction ends. Parameters as of `single`.
    var locked: String {
        let names = key.columns.indices.map { "k\($0)" }
        let casts = zip(names, key.columns).map { "\($0)::\($1.type)" }.joined(separator: ", ")
        let arrays = key.columns.indices.map { "$\($0 + 1)::text[]" }.joined(separator: ", ")
        return """
            SELECT FROM ONLY \(name) WHERE (\(list)) IN
                (SELECT \(casts) FROM unnest(\(arrays)) AS w(\(names.joined(separator: ", ")))) FOR SHARE
            """
    }

    /// Texts of values are the same on both sides only with the same settings. To compile thousands of short statements
    /// takes longer than to run them.
    static let settings = """
        SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET extra_float_digits = 3;
        SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmlbinary = 'base64'; SET row_security = off;
        SET statement_timeout = 0; SET search_path = ''; SET jit = off;
        """
}
