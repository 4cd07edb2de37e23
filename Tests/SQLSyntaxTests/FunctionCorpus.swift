import Foundation
import SQLSyntax
import Testing

/// Functions as people write them. Each line of a body says after `-- @` what the analysis has to find on that line.
struct CorpusCase: Sendable, CustomTestStringConvertible {
    let name: String
    /// The statement up to `AS`.
    let header: String
    let language: String
    let body: String

    var isBlock: Bool { header == "DO" }
    var definition: String {
        "\(header)\nLANGUAGE \(language) \(isBlock ? "" : "AS ")\(SQL.dollarQuoted(body))"
    }
    var testDescription: String { name }

    init(_ name: String, _ header: String, language: String = "plpgsql", _ body: String) {
        self.name = name
        self.header = header
        self.language = language
        self.body = "\n" + body + "\n"
    }

    /// What the annotations expect: "line reference".
    var expected: Set<String> {
        var result: Set<String> = []
        for (number, line) in body.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard let mark = line.range(of: "-- @ ") else { continue }
            for item in line[mark.upperBound...].split(separator: ",") {
                result.insert("\(number + 1) \(item.trimmingCharacters(in: .whitespaces))")
            }
        }
        return result
    }
}

enum FunctionCorpus {
    static let all = basics + control + dynamic + schemaBound

    /// The objects that the functions need to be created on a server.
    static let schema = """
        CREATE SCHEMA app;
        CREATE SCHEMA "Mixed";
        CREATE TYPE mood AS ENUM ('sad', 'happy');
        CREATE TABLE users (id serial PRIMARY KEY, name text, mood mood, parent_id int);
        CREATE TABLE orders (id serial PRIMARY KEY, user_id int REFERENCES users, total numeric, note text);
        CREATE TABLE app.audit (id bigserial PRIMARY KEY, what text, at timestamptz DEFAULT now());
        CREATE TABLE "Mixed"."Order" (id int);
        CREATE TABLE items (id int, order_id int, price numeric);
        CREATE SEQUENCE invoice_seq;
        CREATE PROCEDURE app_touch(i int) LANGUAGE sql AS 'SELECT 1';
        """

    static let basics: [CorpusCase] = [
        CorpusCase(
            "sql select", "CREATE FUNCTION app_sql(i int) RETURNS bigint", language: "sql",
            """
            SELECT count(*)
            FROM users u           -- @ read users
            JOIN public.orders o   -- @ read public.orders
              ON o.user_id = u.id WHERE u.id = i
            """),
        CorpusCase(
            "sql several statements", "CREATE FUNCTION app_sql2() RETURNS void", language: "sql",
            """
            INSERT INTO app.audit (what) VALUES ('x');                       -- @ insert app.audit
            UPDATE users SET name = 'y' WHERE id = 1;                        -- @ update users
            WITH gone AS (DELETE FROM orders RETURNING *)                    -- @ delete orders
            INSERT INTO items (id) SELECT id FROM gone;                      -- @ insert items
            """),
        CorpusCase(
            "select into and row types", "CREATE FUNCTION app_row(a int, OUT b public.users) RETURNS public.users",
            """
            DECLARE
              r users%ROWTYPE;                       -- @ rowtype users, feature row-type users
              x public.users.id%TYPE;                -- @ coltype public.users.id
              y orders.total%TYPE := 0;              -- @ coltype orders.total
              z x%TYPE;
              t public.users;                        -- @ type public.users
              list users[];                          -- @ type users
              m mood;                                -- @ type mood
              n numeric(10, 2) NOT NULL DEFAULT (SELECT max(total) FROM orders);   -- @ read orders
              c CONSTANT text COLLATE "C" := 'users';
            BEGIN
              SELECT * INTO r FROM users WHERE id = a;                     -- @ read users
              SELECT u.id, u.name
                INTO STRICT x, t.name
                FROM users u                                               -- @ read users
                LEFT JOIN "Mixed"."Order" o ON o.id = u.id;                -- @ read "Mixed"."Order"
              SELECT id INTO t.id FROM users LIMIT 1;                      -- @ read users
              b := r;
            END
            """),
        CorpusCase(
            "insert returning into", "CREATE FUNCTION app_insert(n text) RETURNS int",
            """
            DECLARE new_id int;
            BEGIN
              INSERT INTO users (name)          -- @ insert users
              VALUES (n)
              RETURNING id INTO new_id;
              UPDATE orders SET note = n        -- @ update orders
              WHERE user_id = new_id RETURNING id, note INTO new_id, n;
              DELETE FROM items USING orders o WHERE o.id = order_id;   -- @ delete items, read orders
              RETURN new_id;
            END;
            """),
        CorpusCase(
            "trigger", "CREATE FUNCTION app_trigger() RETURNS trigger",
            """
            BEGIN
              IF TG_OP = 'INSERT' AND NEW.total > 0 THEN
                INSERT INTO app.audit (what)                     -- @ insert app.audit
                VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);   -- @ trigger tg_table_schema, trigger tg_table_name
              ELSIF TG_RELID = 'public.orders'::regclass THEN    -- @ trigger tg_relid, literal regclass public.orders
                NEW.note := (SELECT name FROM users WHERE id = NEW.user_id);   -- @ read users
              END IF;
              RETURN NEW;
            END
            """),
        CorpusCase(
            "names in strings and comments are no references", "CREATE FUNCTION app_text() RETURNS text",
            """
            -- SELECT * FROM users
            DECLARE s text := 'select * from orders';
            BEGIN
              /* INSERT INTO orders /* nested */ VALUES (1); */
              RAISE NOTICE 'DELETE FROM users';
              RETURN s || $x$ FROM items $x$;
            END
            """),
        CorpusCase(
            "nothing but NULL", "CREATE PROCEDURE app_null()",
            """
            BEGIN NULL; END
            """),
        CorpusCase(
            "polymorphic and variadic", "CREATE FUNCTION app_poly(VARIADIC a anyarray) RETURNS anyelement",
            """
            #variable_conflict use_column
            DECLARE
              first ALIAS FOR $1;
              best first%TYPE;
            BEGIN
              SELECT e INTO $0 FROM unnest(a) AS e, users LIMIT 1;    -- @ read users
              RETURN $0;
            END
            """),
        CorpusCase(
            "returns table", "CREATE FUNCTION app_table(lim int DEFAULT 5) RETURNS TABLE (id int, total numeric)",
            """
            BEGIN
              RETURN QUERY
                SELECT o.user_id, sum(o.total)
                FROM orders o                                   -- @ read orders
                GROUP BY o.user_id LIMIT lim;
              id := 1; total := 2;
              RETURN NEXT;
              RETURN QUERY (TABLE items EXCEPT SELECT 1, 2, 3) LIMIT 0;   -- @ read items
              RETURN;
            END
            """),
    ]

    static let schemaBound: [CorpusCase] = [
        CorpusCase(
            "sequences and catalogue functions", "CREATE FUNCTION app_seq() RETURNS bigint",
            """
            DECLARE n bigint := nextval('invoice_seq');                     -- @ literal nextval invoice_seq
            BEGIN
              PERFORM setval('public.invoice_seq', n + 1, true);            -- @ literal setval public.invoice_seq
              PERFORM pg_get_serial_sequence(                               
                'users', 'id');          -- @ literal pg_get_serial_sequence users, feature serial-sequence users
              IF has_table_privilege('app.audit', 'SELECT')                 -- @ literal has_table_privilege app.audit
                 AND to_regclass('"Mixed"."Order"') IS NOT NULL THEN        -- @ literal to_regclass "Mixed"."Order"
                n := pg_total_relation_size('orders'::regclass);            -- @ literal pg_total_relation_size orders
              END IF;
              RETURN n;
            END
            """),
        CorpusCase(
            "what views do not carry", "CREATE FUNCTION app_features() RETURNS void",
            """
            DECLARE c CURSOR FOR SELECT * FROM items FOR UPDATE;            -- @ read items
            BEGIN
              TRUNCATE app.audit; -- @ truncate app.audit, feature truncate app.audit
              INSERT INTO users (id) VALUES (1)                             -- @ insert users
                ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING;            -- @ feature on-conflict-on-constraint users
              PERFORM ctid FROM orders;                  -- @ read orders, feature system-column orders
              OPEN c;
              UPDATE items SET price = 1 -- @ update items, feature where-current-of items
                WHERE CURRENT OF c;
              LOCK TABLE orders IN SHARE MODE;                              -- @ lock orders
              ANALYZE users;                                                -- @ ddl users, feature maintenance users
            END
            """),
        CorpusCase(
            "search path inside", "CREATE FUNCTION app_path() RETURNS void",
            """
            BEGIN
              SET LOCAL search_path = app, public;
              PERFORM set_config('search_path', 'app', true);
              CREATE TEMP TABLE scratch (id int) ON COMMIT DROP;            -- @ ddl scratch
              INSERT INTO scratch SELECT id FROM audit;                     -- @ insert scratch, read audit
            END
            """),
        CorpusCase(
            "do block", "DO",
            """
            DECLARE r record;
            BEGIN
              FOR r IN SELECT * FROM users ORDER BY id LOOP                 -- @ read users
                CALL app_touch(r.id);                                       -- @ call app_touch
              END LOOP;
            END
            """),
        CorpusCase(
            "quoted and reserved names", "CREATE FUNCTION app_quoted() RETURNS void",
            """
            DECLARE "Begin" int; "end" text; type text := 'a'; open int = 1;
            BEGIN
              "Begin" := 1; "end" = 'x'; type := 'b';
              IF "Begin" = open THEN
                SELECT count(*) INTO "Begin" FROM "Mixed"."Order" AS "from";   -- @ read "Mixed"."Order"
              END IF;
            END
            """),
    ]
}
