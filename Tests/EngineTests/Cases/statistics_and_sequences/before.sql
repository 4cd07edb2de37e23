-- Extended statistics and sequences that no column owns stay behind; a sequence that two tables use has no one to follow.
CREATE SEQUENCE ticket_numbers START 100;
CREATE SEQUENCE shared_numbers;
CREATE TABLE tickets (
    id serial PRIMARY KEY, number bigint NOT NULL DEFAULT nextval('ticket_numbers'), a integer, b integer,
    other bigint DEFAULT nextval('shared_numbers'));
CREATE TABLE refunds (id bigint PRIMARY KEY DEFAULT nextval('shared_numbers'));
CREATE STATISTICS tickets_ab (dependencies) ON a, b FROM tickets;
INSERT INTO tickets (a, b) SELECT n, n FROM generate_series(1, 5) AS n;
