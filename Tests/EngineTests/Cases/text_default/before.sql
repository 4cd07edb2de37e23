-- A default that finds its sequence by text fails when the sequence moves; by regclass it is bound by OID.
CREATE SEQUENCE numbers START 10;
CREATE TABLE by_text (id bigint PRIMARY KEY DEFAULT nextval('numbers'::text), note text);
CREATE TABLE by_oid (id bigint PRIMARY KEY DEFAULT nextval('numbers'::regclass), note text);
CREATE TABLE stays (id serial PRIMARY KEY, again bigint DEFAULT nextval('public.stays_id_seq'::text));
