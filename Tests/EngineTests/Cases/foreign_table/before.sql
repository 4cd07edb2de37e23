-- Without schema_name postgres_fdw asks the other side for the name of the local schema.
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@host', port '@port', dbname '@database');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user '@user', password '@password');
CREATE TABLE real_prices (id integer PRIMARY KEY);
INSERT INTO real_prices VALUES (1), (2);
CREATE FOREIGN TABLE prices (id integer) SERVER loop OPTIONS (table_name 'real_prices');
CREATE FOREIGN TABLE named_prices (id integer) SERVER loop OPTIONS (schema_name 'public', table_name 'real_prices');
