-- Names that need quotes: mixed case, spaces, quotes, reserved words, other alphabets, the full 63 bytes.
CREATE TABLE "Order Items" ("Id" serial PRIMARY KEY, "select" text, "a""b" integer);
CREATE TABLE "user" (id integer PRIMARY KEY);
CREATE TABLE "it's" (id integer PRIMARY KEY);
CREATE TABLE "say ""hi""" (id integer PRIMARY KEY);
CREATE TABLE straße (id integer PRIMARY KEY, größe text);
CREATE TABLE "表" (id integer PRIMARY KEY);
CREATE TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123 (
    b23456789_123456789_123456789_123456789_123456789_123456789_123 serial PRIMARY KEY);
CREATE TABLE "back\slash" (id integer PRIMARY KEY);
CREATE TABLE "$1" (id integer PRIMARY KEY);
CREATE TYPE "Mood Kind" AS ENUM ('it''s', 'B');
CREATE FUNCTION "Count It"("The Id" integer) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM "Order Items" WHERE "Id" = $1';
CREATE FUNCTION lines() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM public."user") + (SELECT count(*) FROM straße); END';
GRANT SELECT ("select"), UPDATE ("a""b") ON "Order Items" TO case_reader;
COMMENT ON TABLE "it's" IS 'isn''t it';
INSERT INTO "Order Items" ("select") VALUES ('x');
INSERT INTO "user" VALUES (1);
INSERT INTO straße VALUES (1, 'groß');
