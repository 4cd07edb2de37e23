-- Keys that cross schemas get an index; declared ones are built unless another does the work.
CREATE TABLE users (id integer PRIMARY KEY, email text, org integer, name text, CONSTRAINT users_email_key UNIQUE (email));
CREATE TABLE posts (id integer PRIMARY KEY, author integer REFERENCES users, editor integer REFERENCES users, at timestamptz, title text,
    a integer, b integer, deleted boolean);
CREATE INDEX posts_editor_part ON posts (editor) WHERE deleted;
CREATE INDEX posts_at ON posts (at DESC, title);
CREATE TABLE logs (id integer, at date NOT NULL, author integer REFERENCES users) PARTITION BY RANGE (at);
CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
CREATE TABLE deep (id integer, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE deep_1 PARTITION OF deep FOR VALUES FROM ('2025-01-01') TO ('2025-02-01') PARTITION BY LIST (kind);
CREATE TABLE deep_1_a PARTITION OF deep_1 FOR VALUES IN ('a');
INSERT INTO users VALUES (1, 'a@b', 1, 'A');
INSERT INTO posts SELECT n, 1, 1, now(), 'T' || n, n, n, false FROM generate_series(1, 50) AS n;
INSERT INTO logs VALUES (1, '2025-01-05', 1), (2, '2025-02-05', 1);
