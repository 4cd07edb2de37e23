-- roles: USAGE, rights on what is there, and on what comes later; ignored tables are left alone.
CREATE TABLE products (id serial PRIMARY KEY, name text);
CREATE TABLE secrets (id integer);
CREATE VIEW cheap AS SELECT id FROM products;
CREATE TABLE history (id integer);
ALTER TABLE products OWNER TO case_owner;
