import SQLSyntax

/// Keys of subjects, which members of payloads are encrypted with, and what became of subjects that are to be forgotten.
struct SubjectTables {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] { tables + rights + keys + erasure }

    private var tables: [String] {
        let s = store.schema
        return [
            // What is encrypted of a stream's payloads, as JSON pointers, and where its events say whom it is about. No members:
            // nothing any more.
            """
            CREATE TABLE IF NOT EXISTS \(s).stream_protections (
                stream_id uuid PRIMARY KEY REFERENCES \(s).event_streams,
                org_id uuid NOT NULL REFERENCES \(s).organizations,
                members text[] NOT NULL,
                subject text NOT NULL,
                tombstone jsonb NOT NULL DEFAULT 'null',
                updated_at timestamp NOT NULL DEFAULT \(s).now()
            )
            """,
            // The key itself is wrapped by a master key that never comes here; `master` tells which.
            """
            CREATE TABLE IF NOT EXISTS \(s).subject_keys (
                org_id uuid NOT NULL REFERENCES \(s).organizations,
                subject varchar NOT NULL,
                key_id uuid NOT NULL UNIQUE,
                master varchar NOT NULL,
                wrapped bytea NOT NULL,
                created_at timestamp NOT NULL DEFAULT \(s).now(),
                PRIMARY KEY (org_id, subject)
            )
            """,
            // Who was forgotten, when and by whom. No row goes; one that was admitted again says so.
            """
            CREATE TABLE IF NOT EXISTS \(s).subject_erasures (
                id uuid PRIMARY KEY DEFAULT \(s).new_id(\(s).now()),
                org_id uuid NOT NULL REFERENCES \(s).organizations,
                subject varchar NOT NULL,
                key_id uuid,
                forgotten_at timestamp NOT NULL DEFAULT \(s).now(),
                forgotten_by varchar NOT NULL,
                reason text NOT NULL,
                readmitted_at timestamp
            )
            """,
            """
            DO $$ BEGIN
                IF to_regclass(\(SQL.literal("\(s).subject_erasures_subject_idx"))) IS NULL THEN
                    CREATE UNIQUE INDEX subject_erasures_subject_idx ON \(s).subject_erasures (org_id, subject) WHERE readmitted_at IS NULL;
                END IF;
            END $$
            """,
        ]
    }

    private var rights: [String] {
        let rights = [
            ("stream_protections", "SELECT, INSERT, UPDATE, DELETE"),
            ("subject_keys", "SELECT, INSERT, UPDATE, DELETE"),
            ("subject_erasures", "SELECT, INSERT, UPDATE"),
        ]
        return rights.flatMap { table, rights in
            [
                "GRANT \(rights) ON \(store.schema).\(table) TO \(store.account)",
                EventRights(store).policy(table, "org_id"),
            ]
        }
    }

    /// Making a key and forgetting a subject exclude each other within an organisation: what is forgotten gets no new key behind
    /// the back of who forgets it.
    private var keys: [String] {
        let s = store.schema
        return store.function(
            "subject_keys_of(p_org uuid, p_subjects varchar[])", types: "uuid, varchar[]",
            returns: "TABLE (of_subject varchar, id uuid, master_id varchar, wrapped_key bytea)",
            """
                RETURN QUERY SELECT k.subject, k.key_id, k.master, k.wrapped FROM \(s).subject_keys k WHERE k.org_id = p_org AND k.subject = ANY (p_subjects);
            """)
            // Keys for those of the subjects that have none, and then of all. `p_wrapped` in hexadecimal. Error: EV410 one was
            // forgotten; DETAIL has it.
            + store.function(
                "make_subject_keys(p_org uuid, p_subjects varchar[], p_ids uuid[], p_master varchar, p_wrapped text[])",
                types: "uuid, varchar[], uuid[], varchar, text[]",
                returns: "TABLE (of_subject varchar, id uuid, master_id varchar, wrapped_key bytea)",
                declare: "gone varchar;",
                """
                    PERFORM pg_advisory_xact_lock_shared(hashtext('strata.events.subjects'), hashtext(p_org::text));
                    SELECT e.subject INTO gone FROM \(s).subject_erasures e
                     WHERE e.org_id = p_org AND e.subject = ANY (p_subjects) AND e.readmitted_at IS NULL LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'a subject was forgotten, and nothing more may be encrypted for it' USING ERRCODE = 'EV410', DETAIL = gone;
                    END IF;
                    INSERT INTO \(s).subject_keys (org_id, subject, key_id, master, wrapped)
                    SELECT p_org, n.subject, n.id, p_master, decode(n.wrapped, 'hex') FROM unnest(p_subjects, p_ids, p_wrapped) AS n (subject, id, wrapped)
                    ORDER BY n.subject ON CONFLICT (org_id, subject) DO NOTHING;
                    RETURN QUERY SELECT k.subject, k.key_id, k.master, k.wrapped FROM \(s).subject_keys k WHERE k.org_id = p_org AND k.subject = ANY (p_subjects);
                """)
    }

    private var erasure: [String] {
        let s = store.schema
        // `was_known`: there was a key. Again: nothing changes, and the row is the first one's.
        return store.function(
            "forget_subject(p_org uuid, p_subject varchar, p_by varchar, p_reason text)",
            types: "uuid, varchar, varchar, text",
            returns: "TABLE (was_known boolean, at timestamp)",
            declare: "gone uuid;",
            """
                PERFORM pg_advisory_xact_lock(hashtext('strata.events.subjects'), hashtext(p_org::text));
                DELETE FROM \(s).subject_keys k WHERE k.org_id = p_org AND k.subject = p_subject RETURNING k.key_id INTO gone;
                was_known := gone IS NOT NULL;
                INSERT INTO \(s).subject_erasures (org_id, subject, key_id, forgotten_by, reason) VALUES (p_org, p_subject, gone, p_by, p_reason)
                ON CONFLICT (org_id, subject) WHERE readmitted_at IS NULL DO NOTHING;
                SELECT e.forgotten_at INTO at FROM \(s).subject_erasures e WHERE e.org_id = p_org AND e.subject = p_subject AND e.readmitted_at IS NULL;
                RETURN NEXT;
            """)
    }
}
