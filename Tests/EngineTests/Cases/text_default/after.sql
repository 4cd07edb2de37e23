INSERT INTO by_oid (note) VALUES ('x');
-- error: 42P01
INSERT INTO by_text (note) VALUES ('x');
INSERT INTO stays DEFAULT VALUES;
