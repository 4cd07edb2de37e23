extension FunctionCorpus {
    static let control: [CorpusCase] = [
        CorpusCase(
            "if, case, while, exit", "CREATE FUNCTION app_control(a int) RETURNS int",
            """
            <<outer_block>>
            DECLARE n int := 0;
            BEGIN
              IF EXISTS (SELECT 1 FROM users WHERE id = a) THEN               -- @ read users
                n := n + 1;
              ELSIF a IN (SELECT user_id FROM orders) OR a =                  -- @ read orders
                    (SELECT min(id) FROM items) THEN                          -- @ read items
                n := 2;
              ELSE
                n := 3;
              END IF;
              CASE a
                WHEN 1, 2 THEN n := 4;
                WHEN (SELECT max(id) FROM users) THEN NULL;                   -- @ read users
                ELSE DELETE FROM items;                                       -- @ delete items
              END CASE;
              CASE WHEN n > 1 THEN UPDATE users SET name = 'x'; ELSE NULL; END CASE;   -- @ update users
              <<again>>
              WHILE (SELECT count(*) FROM items) > n LOOP                     -- @ read items
                n := n + 1;
                CONTINUE again WHEN n < 3;
                EXIT again WHEN NOT EXISTS (SELECT FROM orders WHERE id = n);   -- @ read orders
                EXIT WHEN n > 5;
              END LOOP again;
              LOOP
                EXIT;
              END LOOP;
              RETURN CASE WHEN n = 1 THEN (SELECT count(*) FROM users) ELSE 0 END;   -- @ read users
            END outer_block;
            """),
        CorpusCase(
            "loops", "CREATE FUNCTION app_loops() RETURNS void",
            """
            DECLARE
              r record; i int; x int; a int[] := ARRAY[1, 2]; s int[];
              u_id int; u_name text;
            BEGIN
              FOR r IN SELECT id FROM users LOOP                                  -- @ read users
                FOR u_id, u_name IN
                  SELECT id, name FROM users u                                    -- @ read users
                  WHERE u.id = r.id
                LOOP
                  NULL;
                END LOOP;
              END LOOP;
              FOR i IN 1..10 LOOP a[i] := i; END LOOP;
              FOR i IN REVERSE (SELECT count(*)::int FROM items) .. 1 BY 2 LOOP   -- @ read items
                a[(SELECT max(id) FROM orders)] := i;                             -- @ read orders
              END LOOP;
              FOREACH x IN ARRAY (SELECT array_agg(id) FROM items) LOOP           -- @ read items
                NULL;
              END LOOP;
              FOREACH s SLICE 1 IN ARRAY ARRAY[[1], [2]] LOOP NULL; END LOOP;
              FOR r IN INSERT INTO app.audit (what) VALUES ('x') RETURNING id LOOP   -- @ insert app.audit
                NULL;
              END LOOP;
              FOR r IN (SELECT 1 FROM orders) LOOP NULL; END LOOP;                -- @ read orders
              FOR r IN WITH w AS (SELECT 1 FROM items) SELECT * FROM w LOOP       -- @ read items
                NULL;
              END LOOP;
            END
            """),
        CorpusCase(
            "cursors", "CREATE FUNCTION app_cursors(k int) RETURNS refcursor",
            """
            DECLARE
              c1 CURSOR FOR SELECT * FROM users;                            -- @ read users
              c2 NO SCROLL CURSOR (lo int, hi orders.id%TYPE) IS            -- @ coltype orders.id
                SELECT * FROM orders WHERE id BETWEEN lo AND hi;            -- @ read orders
              c3 refcursor;
              r record;
            BEGIN
              OPEN c1;
              FETCH NEXT FROM c1 INTO r;
              MOVE FORWARD 2 FROM c1;
              CLOSE c1;
              OPEN c2 (1, (SELECT max(id) FROM items));                     -- @ read items
              CLOSE c2;
              FOR r IN c2 (lo := 1, hi := 2) LOOP NULL; END LOOP;
              FOR r IN c1 LOOP NULL; END LOOP;
              OPEN c3 SCROLL FOR SELECT * FROM app.audit;                   -- @ read app.audit
              CLOSE c3;
              OPEN c3 FOR EXECUTE 'SELECT * FROM items WHERE id = $1' USING k;   -- @ read items
              RETURN c3;
            END
            """),
        CorpusCase(
            "exceptions", "CREATE FUNCTION app_exceptions() RETURNS text",
            """
            DECLARE msg text; n int;
            BEGIN
              BEGIN
                INSERT INTO users (id) VALUES (1);                          -- @ insert users
              EXCEPTION
                WHEN unique_violation OR SQLSTATE '23503' THEN
                  GET STACKED DIAGNOSTICS msg = MESSAGE_TEXT;
                  BEGIN
                    UPDATE users SET name = SQLERRM;                        -- @ update users
                  EXCEPTION WHEN OTHERS THEN
                    DELETE FROM users;                                      -- @ delete users
                  END;
                WHEN OTHERS THEN
                  CASE n WHEN 1 THEN TRUNCATE items; ELSE NULL; END CASE;   -- @ truncate items, feature truncate items
              END;
              GET DIAGNOSTICS n = ROW_COUNT, msg := PG_CONTEXT;
              RETURN msg;
            END
            """),
        CorpusCase(
            "raise and assert", "CREATE FUNCTION app_raise() RETURNS void",
            """
            BEGIN
              RAISE NOTICE 'rows: % and %', (SELECT count(*) FROM users),   -- @ read users
                (SELECT count(*) FROM orders);                              -- @ read orders
              RAISE EXCEPTION 'x' USING ERRCODE = 'P0001',
                HINT = (SELECT note FROM orders LIMIT 1), DETAIL := 'd';    -- @ read orders
              RAISE unique_violation USING MESSAGE = 'm' || (SELECT max(name) FROM users);   -- @ read users
              RAISE SQLSTATE '22012';
              RAISE;
              ASSERT (SELECT count(*) FROM items) > 0, 'no items';          -- @ read items
              ASSERT true;
            END
            """),
        CorpusCase(
            "procedure with transactions", "CREATE PROCEDURE app_proc(INOUT n int)",
            """
            DECLARE r record;
            BEGIN
              FOR r IN SELECT id FROM orders LOOP                           -- @ read orders
                CALL app_touch(r.id);                                       -- @ call app_touch
                UPDATE orders SET note = 'done' WHERE id = r.id;            -- @ update orders
                COMMIT;
                ROLLBACK AND CHAIN;
              END LOOP;
              CALL public.app_touch((SELECT max(id) FROM users));           -- @ call public.app_touch, read users
              n := 1;
            END
            """),
        CorpusCase(
            "perform and recursion", "CREATE FUNCTION app_perform(root int) RETURNS void",
            """
            DECLARE users_seen int;
            BEGIN
              PERFORM app_insert(name) FROM users WHERE id = root;          -- @ read users, call app_insert
              IF NOT FOUND THEN RETURN; END IF;
              WITH RECURSIVE tree AS (
                SELECT id, parent_id FROM users WHERE id = root             -- @ read users
                UNION ALL
                SELECT u.id, u.parent_id
                FROM public.users u JOIN tree t ON t.id = u.parent_id       -- @ read public.users
              )
              SELECT count(*) INTO users_seen FROM tree;
              users_seen = count(*) FROM tree_log;                          -- @ read tree_log
              PERFORM 1 FROM orders                                         -- @ read orders
                LEFT JOIN LATERAL (SELECT 1 FROM items i WHERE i.order_id = orders.id) x ON true   -- @ read items
                WHERE total > 1;
              SELECT INTO users_seen count(*) FROM items;                   -- @ read items
            END
            """),
        CorpusCase(
            "record fields and system columns", "CREATE FUNCTION app_fields() RETURNS void",
            """
            DECLARE r record; xmin int;
            BEGIN
              SELECT o.*, o.xmin AS version INTO r FROM orders o; -- @ read orders, feature system-column orders
              xmin := r.xmin;
              r.total := r.total * 2;
              PERFORM app_row(r.id);                                        -- @ call app_row
              RETURN;
            END
            """),
        CorpusCase(
            "nested blocks without last semicolon", "CREATE FUNCTION app_nested() RETURNS int",
            """
            DECLARE a int;
            BEGIN
              DECLARE
                b int := 1;
              BEGIN
                <<inmost>>
                DECLARE c users.id%TYPE;                                    -- @ coltype users.id
                BEGIN
                  c := inmost.c + b;
                  MERGE INTO items USING orders o ON o.id = order_id -- @ merge items, feature merge items, read orders
                    WHEN MATCHED THEN DELETE;
                END inmost;
              END;
              RETURN a;
            END
            """),
    ]
}
