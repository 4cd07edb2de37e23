-- What is published: FOR TABLE and FOR ALL TABLES follow by OID and send the new name, a schema's publication loses what
-- leaves it and gains what comes in.
CREATE SCHEMA shop;
CREATE TABLE listed (id integer PRIMARY KEY);
CREATE TABLE whole (id integer PRIMARY KEY);
CREATE TABLE both_ways (id integer PRIMARY KEY);
CREATE TABLE shop.stays (id integer PRIMARY KEY);
CREATE PUBLICATION picked FOR TABLE listed WHERE (id > 0), both_ways;
CREATE PUBLICATION every FOR ALL TABLES;
CREATE PUBLICATION pile FOR TABLES IN SCHEMA public;
CREATE PUBLICATION shop_window FOR TABLES IN SCHEMA shop;
