-- A subscription writes to the name that the publisher sends: a table that moves here first stops it.
CREATE TABLE copied (id integer PRIMARY KEY, body text);
CREATE TABLE local_only (id integer PRIMARY KEY);
CREATE SUBSCRIPTION follower CONNECTION 'host=127.0.0.1 port=1 dbname=nowhere' PUBLICATION picked
    WITH (connect = false, enabled = false, create_slot = false, slot_name = NONE);
-- As after REFRESH PUBLICATION, without a publisher.
INSERT INTO pg_subscription_rel SELECT oid, 'copied'::regclass, 'r', NULL FROM pg_subscription WHERE subname = 'follower';
