extension FunctionCorpus {
    static let dynamic: [CorpusCase] = [
        CorpusCase(
            "constant text", "CREATE FUNCTION app_dyn1(k int) RETURNS int",
            """
            DECLARE n int;
            BEGIN
              EXECUTE 'SELECT count(*) FROM users WHERE id = $1' INTO n USING k;        -- @ read users
              EXECUTE 'DELETE FROM orders'                                              -- @ delete orders
                || ' USING items WHERE items.order_id = orders.id';                     -- @ read items
              EXECUTE $q$
                UPDATE app.audit                                                        -- @ update app.audit
                   SET what = 'x'
                 WHERE id IN (SELECT id FROM users)                                     -- @ read users
              $q$;
              EXECUTE 'TRUNCATE ' || 'items';                  -- @ truncate items, feature truncate items
              RETURN n;
            END
            """),
        CorpusCase(
            "format", "CREATE FUNCTION app_dyn2(t text, v text) RETURNS void",
            """
            BEGIN
              EXECUTE format('INSERT INTO %I.%I (what) VALUES (%L)', 'app', 'audit', v);   -- @ insert app.audit
              EXECUTE format('SELECT %I FROM orders WHERE note = %L', t, v);               -- @ read orders
              EXECUTE format('UPDATE users SET name = %2$L WHERE name = %1$L', t, v);      -- @ update users
              EXECUTE format('DELETE FROM public.%I', t);                                  -- @ dynamic names
              EXECUTE format('SELECT * FROM %s WHERE x = 10 %% 3', t);                        -- @ dynamic names
              EXECUTE format('SELECT %s FROM items', 'id');                                -- @ read items
              EXECUTE format(
                'ALTER TABLE %I ADD COLUMN %I int', 'users', t);   -- @ ddl users, feature alter-table users
            END
            """),
        CorpusCase(
            "quoting functions", "CREATE FUNCTION app_dyn3(t text, v text) RETURNS void",
            """
            BEGIN
              EXECUTE 'SELECT 1 FROM ' || quote_ident('users') || ' WHERE name = ' || quote_literal(v); -- @ read users
              EXECUTE 'DELETE FROM ' || quote_ident(t);                                  -- @ dynamic names
              EXECUTE 'DELETE FROM orders WHERE note = ''' || v || ''''; -- @ delete orders, dynamic values
              EXECUTE 'UPDATE users SET name = ' || quote_nullable(v);                   -- @ update users
              EXECUTE concat('SELECT 1 FROM items WHERE id = ', v::int);                 -- @ read items, dynamic values
              EXECUTE 'DROP TABLE ' || t::regclass;                                      -- @ dynamic names
              EXECUTE t;                                                                 -- @ dynamic names
              EXECUTE app_text();                                      -- @ dynamic names, call app_text
            END
            """),
        CorpusCase(
            "text in variables", "CREATE FUNCTION app_dyn4(cond text) RETURNS void",
            """
            DECLARE
              q text := 'SELECT count(*) FROM users';                                    -- @ read users
              w text;
              f text;
              r record;
            BEGIN
              EXECUTE q;
              w := 'DELETE FROM orders WHERE ' || cond;               -- @ delete orders, dynamic values
              EXECUTE w;
              SELECT note INTO f FROM orders LIMIT 1;                                    -- @ read orders
              EXECUTE f;                                                                 -- @ dynamic names
              FOR r IN EXECUTE 'SELECT * FROM app.audit' LOOP                            -- @ read app.audit
                NULL;
              END LOOP;
              FOR r IN EXECUTE format('SELECT * FROM %I', cond) USING 1, 2 LOOP NULL; END LOOP;   -- @ dynamic names
            END
            """),
        CorpusCase(
            "return query execute", "CREATE FUNCTION app_dyn5(c text) RETURNS SETOF users",
            #"""
            BEGIN
              RETURN QUERY EXECUTE 'SELECT * FROM users WHERE id = $1' USING 1;          -- @ read users
              RETURN QUERY EXECUTE 'SELECT u.*, ''it''''s'' '                            -- @ dynamic values
                'FROM users u '                                                          -- @ read users
                'JOIN orders o ON true ' || c;                                           -- @ read orders
              EXECUTE E'DELETE FROM items WHERE note = \'x\''                            -- @ delete items
                ' OR id IN (SELECT id FROM users)';                                      -- @ read users
              EXECUTE 'not ' || 'sql at all';                                            -- @ dynamic names
              EXECUTE 'SET search_path = app';
              EXECUTE 'SELECT 1 FROM orders_' || c || ' JOIN items ON true';             -- @ read items, dynamic names
              EXECUTE 'INSERT INTO items ' || c || ' VALUES ' || c; -- @ insert items, dynamic values
            END
            """#),
        CorpusCase(
            "row by row copy of any table", "CREATE FUNCTION app_dyn6() RETURNS trigger",
            """
            BEGIN
              EXECUTE 'INSERT INTO app.'                                                 -- @ dynamic names
                || quote_ident(TG_TABLE_NAME || '_log')                                  -- @ trigger tg_table_name
                || ' SELECT ($1).*' USING OLD;
              EXECUTE format('INSERT INTO app.audit (what) VALUES (%L)', TG_ARGV[0]);    -- @ insert app.audit
              RETURN OLD;
            END
            """),
    ]
}
