-- For the database of DATABASE_URL; `audit` moves to the other one by `strata split audit`.
CREATE SCHEMA shop;
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    article text NOT NULL,
    pieces bigint NOT NULL
);
CREATE SCHEMA audit;
CREATE TABLE audit.entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    note text NOT NULL
);
