-- Policies follow the table and hold through the view under the old name: for roles, for the owner where it is forced,
-- and for inserts. Their expressions are bound by OID.
CREATE TABLE tenants (id integer PRIMARY KEY, role text);
CREATE TABLE accounts (id integer PRIMARY KEY, tenant integer NOT NULL, amount numeric);
ALTER TABLE accounts OWNER TO case_owner;
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
GRANT SELECT ON tenants TO case_app, case_reader, case_owner;
GRANT SELECT, INSERT, UPDATE ON accounts TO case_app, case_reader;
CREATE POLICY by_tenant ON accounts USING (tenant IN (SELECT id FROM tenants WHERE role = current_user));
CREATE POLICY readers ON accounts AS RESTRICTIVE FOR UPDATE TO case_reader USING (false);
INSERT INTO tenants VALUES (1, 'case_app'), (2, 'case_reader');
INSERT INTO accounts VALUES (1, 1, 10), (2, 2, 20), (3, 2, 30);
