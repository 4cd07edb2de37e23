INSERT INTO public."Order Items" ("select", "a""b") VALUES ('y', 1);
SELECT count(*) = 2 FROM "My Schema"."Order Items";
SELECT public."Count It"("The Id" => 1) = 1;
SELECT lines() = 2;
SELECT größe = 'groß' FROM "My Schema".straße;
SELECT count(*) = 0 FROM public."表";
SELECT count(*) = 0 FROM public."it's";
SELECT count(*) = 0 FROM public."say ""hi""";
SELECT count(*) = 0 FROM public."back\slash";
SELECT count(*) = 0 FROM public."$1";
SELECT 'it''s'::public."Mood Kind"::text = 'it''s';
INSERT INTO a23456789_123456789_123456789_123456789_123456789_123456789_123 DEFAULT VALUES;
SELECT relname = 'a23456789_123456789_123456789_123456789_123456789_123456789_123' FROM pg_class WHERE oid = '"My Schema".a23456789_123456789_123456789_123456789_123456789_123456789_123'::regclass;
SELECT obj_description('"My Schema"."it''s"'::regclass, 'pg_class') = 'isn''t it';
SET LOCAL ROLE case_reader;
SELECT "select" = 'x' FROM public."Order Items" WHERE "select" = 'x';
-- error: 42501
SELECT "Id" FROM public."Order Items";
