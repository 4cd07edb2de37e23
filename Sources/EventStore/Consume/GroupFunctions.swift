/// Consumer groups: leases of slots, what to deliver, and how far it is done.
///
/// A slot is a part of a stream's keys: events of one key are in one slot, in order. A member of a group owns slots for as long
/// as its lease runs; each new owner makes the slot's epoch one higher, and what an earlier owner still commits is refused.
struct GroupFunctions {
    /// Of one group, at a time. Those beyond the slots stand by.
    static let mostMembers = 1_000

    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    var statements: [String] { create + poll + commit + seek + LeaveFunction(store).statements }

    /// A group that begins after `p_position`; that of this name, where there is one.
    private var create: [String] {
        let s = store.schema
        return store.function(
            """
            create_group(p_org uuid, p_stream uuid, p_name varchar, p_slots integer, p_position bigint, p_attempts integer,
                p_first interval, p_last interval)
            """,
            types: "uuid, uuid, varchar, integer, bigint, integer, interval, interval",
            returns: "uuid", declare: "made uuid; stream record;",
            """
                IF coalesce(char_length(p_name), 0) NOT BETWEEN 1 AND 200 THEN
                    RAISE EXCEPTION 'a group''s name has 1 to 200 characters' USING ERRCODE = 'EV422';
                END IF;
                SELECT e.floor_position, e.last_position INTO stream FROM \(s).event_streams e
                 WHERE e.id = p_stream AND e.org_id = p_org AND e.is_active;
                IF NOT FOUND THEN RAISE EXCEPTION 'there is no such stream' USING ERRCODE = 'EV404'; END IF;
                INSERT INTO \(s).consumer_groups (stream_id, name, org_id, slots, max_attempts, retry_first, retry_last)
                VALUES (p_stream, p_name, p_org, p_slots, p_attempts, p_first, p_last)
                ON CONFLICT (stream_id, name) DO NOTHING RETURNING id INTO made;
                IF made IS NULL THEN
                    SELECT g.id INTO made FROM \(s).consumer_groups g WHERE g.stream_id = p_stream AND g.name = p_name;
                    RETURN made;
                END IF;
                p_position := greatest(stream.floor_position, least(coalesce(p_position, 0), stream.last_position));
                INSERT INTO \(s).consumer_offsets (consumer_group_id, org_id, position) VALUES (made, p_org, p_position);
                INSERT INTO \(s).group_slots (group_id, slot, org_id, position)
                SELECT made, n, p_org, p_position FROM generate_series(0, p_slots - 1) n;
                RETURN made;
            """)
    }

    /// Renews the member's leases, takes its share of free slots and gives up what is more than that; then the events of its
    /// slots, in order.
    ///
    /// Rows without an id are its slots: `slot_position` is how far it is done and `through` how far it is once the events of
    /// this answer are; a slot that waits for its next attempt comes with `through` null, that time in `at`, and without events.
    /// `event_position` is the stream's last one then.
    /// `dead_letter`: an event that is tried once more, by redrive, and stands outside of the order.
    ///
    /// Errors: EV404 no such group; EV416 the next events are archived already; EV422 not a member's name; EV429 the group has as
    /// many members as it may have.
    private var poll: [String] {
        let s = store.schema
        return store.function(
            "poll(p_org uuid, p_group uuid, p_member varchar, p_limit integer, p_bytes bigint, p_lease interval)",
            types: "uuid, uuid, varchar, integer, bigint, interval",
            returns: """
                TABLE (slot_number integer, slot_epoch bigint, slot_position bigint, through bigint, attempt integer,
                    event_position bigint, event_id uuid, event_type varchar, event_key varchar, event_payload text,
                    event_metadata text, at timestamp, dead_letter uuid)
                """,
            declare: """
                    g record; stream record; mark bigint;
                    own record;
                    share integer; held integer;
                    owned integer[]; epochs bigint[]; places bigint[]; tries integer[]; waits timestamptz[];
                    done bigint[]; low bigint; lower timestamp;
                    size bigint := 0; given integer := 0;
                """,
            """
                IF coalesce(octet_length(p_member), 0) NOT BETWEEN 1 AND 200 THEN
                    RAISE EXCEPTION 'a member''s name has 1 to 200 bytes' USING ERRCODE = 'EV422';
                END IF;
                SELECT c.stream_id, c.slots, c.max_attempts INTO g FROM \(s).consumer_groups c WHERE c.id = p_group AND c.org_id = p_org;
                IF NOT FOUND THEN RAISE EXCEPTION 'there is no such consumer group' USING ERRCODE = 'EV404'; END IF;
                IF NOT EXISTS (SELECT FROM \(s).group_members m WHERE m.group_id = p_group AND m.member = p_member
                                  AND m.seen_until > clock_timestamp() + p_lease * 2 / 3) THEN
                    UPDATE \(s).group_members m SET seen_until = clock_timestamp() + p_lease WHERE m.group_id = p_group AND m.member = p_member;
                    IF NOT FOUND THEN
                        -- New ones come one after the other: else each would find room for itself.
                        PERFORM FROM \(s).consumer_groups c WHERE c.id = p_group FOR NO KEY UPDATE;
                        DELETE FROM \(s).group_members m WHERE m.group_id = p_group AND m.seen_until < clock_timestamp();
                        IF (SELECT count(*) FROM \(s).group_members m WHERE m.group_id = p_group) >= \(Self.mostMembers) THEN
                            RAISE EXCEPTION 'the group has \(Self.mostMembers) members already, which is the most' USING ERRCODE = 'EV429',
                                HINT = 'Give each process one name and keep it, and leave when it ends.';
                        END IF;
                        INSERT INTO \(s).group_members (group_id, member, org_id, seen_until) VALUES (p_group, p_member, p_org, clock_timestamp() + p_lease)
                        ON CONFLICT (group_id, member) DO UPDATE SET seen_until = excluded.seen_until;
                    END IF;
                END IF;
                SELECT ceil(g.slots::numeric / greatest(count(*), 1)) INTO share FROM \(s).group_members m
                 WHERE m.group_id = p_group AND m.seen_until > clock_timestamp();
                SELECT count(*) INTO held FROM \(s).group_slots o
                 WHERE o.group_id = p_group AND o.lease_owner = p_member AND o.lease_until > clock_timestamp();
                UPDATE \(s).group_slots o SET lease_until = clock_timestamp() + p_lease
                 WHERE o.group_id = p_group AND o.lease_owner = p_member
                   AND o.lease_until > clock_timestamp() AND o.lease_until < clock_timestamp() + p_lease * 2 / 3;
                IF held > share THEN
                    UPDATE \(s).group_slots o SET lease_owner = NULL, lease_until = '-infinity'
                     WHERE o.group_id = p_group AND o.lease_owner = p_member AND o.slot IN (
                        SELECT x.slot FROM \(s).group_slots x WHERE x.group_id = p_group AND x.lease_owner = p_member
                         ORDER BY x.slot DESC LIMIT held - share);
                ELSIF held < share THEN
                    UPDATE \(s).group_slots o SET lease_owner = p_member, lease_until = clock_timestamp() + p_lease, epoch = o.epoch + 1
                     WHERE o.group_id = p_group AND o.slot = ANY (ARRAY(
                        SELECT x.slot FROM \(s).group_slots x WHERE x.group_id = p_group AND x.lease_until <= clock_timestamp()
                         ORDER BY x.slot LIMIT share - held FOR UPDATE SKIP LOCKED));
                END IF;

                SELECT e.last_position, e.floor_position INTO stream FROM \(s).event_streams e WHERE e.id = g.stream_id AND e.is_active;
                IF NOT FOUND THEN RAISE EXCEPTION 'the stream is inactive' USING ERRCODE = 'EV404'; END IF;
                -- What is delivered and what can be committed are of one look: a lease that runs out meanwhile is found out by the commit.
                done := array_fill(NULL::bigint, ARRAY[g.slots]);
                FOR own IN SELECT o.slot, o.epoch, o.position, o.attempts, o.next_try, o.next_try <= clock_timestamp() AS is_ready
                             FROM \(s).group_slots o WHERE o.group_id = p_group AND o.lease_owner = p_member AND o.lease_until > clock_timestamp()
                            ORDER BY o.slot
                LOOP
                    owned := owned || own.slot; epochs := epochs || own.epoch; places := places || own.position;
                    tries := tries || own.attempts + 1; waits := waits || CASE WHEN NOT own.is_ready THEN own.next_try END;
                    IF own.is_ready THEN
                        done[own.slot + 1] := own.position;
                        low := least(low, own.position);
                    END IF;
                END LOOP;
                IF low < stream.floor_position THEN
                    RAISE EXCEPTION 'events up to % are archived, and this group is done up to %', stream.floor_position, low
                        USING ERRCODE = 'EV416', DETAIL = stream.floor_position::text, HINT = 'Seek to where it shall go on.';
                END IF;
                mark := stream.last_position;
                IF low < mark THEN
                    lower := \(s).partition_of(g.stream_id, low + 1);
                    FOR slot_number, event_position, event_id, event_type, event_key, event_payload, event_metadata, at IN
                        SELECT e.slot % g.slots, e.position, e.id, e.type, e.key, e.payload::text, e.metadata::text, e.created_at
                          FROM \(s).events e
                         WHERE e.stream_id = g.stream_id AND e.org_id = p_org AND e.created_at >= lower
                           AND e.position > low AND e.position <= stream.last_position
                           AND done[e.slot % g.slots + 1] < e.position
                         ORDER BY e.position LIMIT p_limit
                    LOOP
                        size := size + octet_length(event_payload) + octet_length(event_metadata);
                        given := given + 1;
                        RETURN NEXT;
                        IF given >= p_limit OR size >= p_bytes THEN
                            mark := event_position;
                            EXIT;
                        END IF;
                    END LOOP;
                END IF;
                event_position := stream.last_position; event_id := NULL; event_type := NULL; event_key := NULL; event_payload := NULL; event_metadata := NULL;
                FOR slot_number, slot_epoch, slot_position, attempt, at IN
                    SELECT o.slot, o.epoch, o.place, o.try, o.wait AT TIME ZONE 'UTC'
                      FROM unnest(owned, epochs, places, tries, waits) AS o (slot, epoch, place, try, wait)
                LOOP
                    through := CASE WHEN done[slot_number + 1] IS NOT NULL THEN greatest(slot_position, mark) END;
                    RETURN NEXT;
                END LOOP;
                slot_number := NULL; slot_epoch := NULL; slot_position := NULL; through := NULL; at := NULL;
                IF EXISTS (SELECT FROM \(s).dead_letter_events d WHERE d.group_id = p_group AND d.status = 'redriving' AND d.next_try <= clock_timestamp()) THEN
                    FOR dead_letter, slot_epoch, attempt, event_position, event_id, event_type, event_key, event_payload, event_metadata, at IN
                        UPDATE \(s).dead_letter_events d SET lease_owner = p_member, epoch = d.epoch + 1, next_try = clock_timestamp() + p_lease
                         WHERE d.id = ANY (ARRAY(SELECT y.id FROM (
                            SELECT x.id, x.position, sum(pg_column_size(x.payload)) OVER (ORDER BY x.position, x.id) - pg_column_size(x.payload) AS before
                              FROM (SELECT z.id, z.position, z.payload FROM \(s).dead_letter_events z WHERE z.group_id = p_group AND z.status = 'redriving'
                                       AND z.next_try <= clock_timestamp() ORDER BY z.position LIMIT least(p_limit, 100) FOR UPDATE SKIP LOCKED) x) y
                            WHERE y.before < p_bytes))
                        RETURNING d.id, d.epoch, d.attempts + 1, d.position, d.event_id, d.type, d.key, d.payload::text, d.metadata::text, \(s).time_of(d.event_id)
                    LOOP
                        RETURN NEXT;
                    END LOOP;
                END IF;
            """)
    }

    /// Sets slots from one position to another, all or none: the member still owns them, in that epoch, and nobody has moved
    /// them. In the transaction of the read model's change, where that is in the same database.
    ///
    /// Error: EV409 the slots are somebody else's by now, or elsewhere.
    private var commit: [String] {
        let s = store.schema
        return store.function(
            "commit(p_org uuid, p_group uuid, p_member varchar, p_slots integer[], p_epochs bigint[], p_from bigint[], p_to bigint[])",
            types: "uuid, uuid, varchar, integer[], bigint[], bigint[], bigint[]", returns: "void",
            declare: "changed integer; low bigint; stream uuid; last bigint;",
            """
                SELECT c.stream_id, e.last_position INTO stream, last
                  FROM \(s).consumer_groups c JOIN \(s).event_streams e ON e.id = c.stream_id WHERE c.id = p_group AND c.org_id = p_org;
                IF NOT FOUND THEN RAISE EXCEPTION 'there is no such consumer group' USING ERRCODE = 'EV404'; END IF;
                PERFORM FROM \(s).group_slots o WHERE o.group_id = p_group AND o.slot = ANY (p_slots) ORDER BY o.slot FOR NO KEY UPDATE;
                UPDATE \(s).group_slots o SET position = c.upto, attempts = CASE WHEN c.upto > o.position THEN 0 ELSE o.attempts END
                  FROM unnest(p_slots, p_epochs, p_from, p_to) AS c (slot, epoch, since, upto)
                 WHERE o.group_id = p_group AND o.slot = c.slot AND o.lease_owner = p_member AND o.epoch = c.epoch AND o.position = c.since
                   AND c.upto BETWEEN c.since AND last;
                GET DIAGNOSTICS changed = ROW_COUNT;
                IF changed <> cardinality(p_slots) THEN
                    RAISE EXCEPTION 'the lease was lost: % of % slots are not this member''s any more, or stand elsewhere', cardinality(p_slots) - changed, cardinality(p_slots)
                        USING ERRCODE = 'EV409', HINT = 'Forget what was done since the last commit, and poll again.';
                END IF;
                PERFORM \(s).raise_watermark(p_group, stream);
            """)
    }

    /// All slots to a position (-1 the start, -2 the end), or before a time; members that work on something are fenced. The only
    /// way back.
    private var seek: [String] {
        let s = store.schema
        return [
            // Commits of other members do not wait for each other here; one that finds the row taken leaves it to the next.
            """
            CREATE OR REPLACE FUNCTION \(s).raise_watermark(p_group uuid, p_stream uuid) RETURNS void LANGUAGE plpgsql AS $function$
            DECLARE low bigint; known bigint;
            BEGIN
                SELECT pg_catalog.min(o.position) INTO low FROM \(s).group_slots o WHERE o.group_id = p_group;
                SELECT o.position INTO known FROM \(s).consumer_offsets o WHERE o.consumer_group_id = p_group AND o.position < low
                   FOR NO KEY UPDATE SKIP LOCKED;
                IF FOUND THEN
                    UPDATE \(s).consumer_offsets o SET position = low, updated_at = \(s).now(), last_event_id = (
                        SELECT e.id FROM \(s).events e WHERE e.stream_id = p_stream AND e.position = low
                           AND e.created_at >= \(s).partition_of(p_stream, low)) WHERE o.consumer_group_id = p_group;
                END IF;
            END
            $function$
            """
        ] + store.helper("raise_watermark(uuid, uuid)")
            + store.function(
                "seek(p_org uuid, p_group uuid, p_position bigint, p_time timestamp)",
                types: "uuid, uuid, bigint, timestamp", returns: "bigint",
                declare: "stream record;",
                """
                    SELECT e.id, e.floor_position, e.last_position INTO stream FROM \(s).consumer_groups c JOIN \(s).event_streams e ON e.id = c.stream_id
                     WHERE c.id = p_group AND c.org_id = p_org;
                    IF NOT FOUND THEN RAISE EXCEPTION 'there is no such consumer group' USING ERRCODE = 'EV404'; END IF;
                    p_position := CASE p_position WHEN -1 THEN stream.floor_position WHEN -2 THEN stream.last_position ELSE p_position END;
                    IF p_time IS NOT NULL THEN
                        -- Before the first event of that time or a later one.
                        SELECT e.position - 1 INTO p_position FROM \(s).events e
                         WHERE e.stream_id = stream.id AND e.created_at >= p_time ORDER BY e.created_at, e.position LIMIT 1;
                        p_position := greatest(coalesce(p_position, stream.last_position), stream.floor_position);
                    END IF;
                    IF p_position < stream.floor_position THEN
                        RAISE EXCEPTION 'events up to % are archived', stream.floor_position USING ERRCODE = 'EV416', DETAIL = stream.floor_position::text;
                    END IF;
                    IF p_position > stream.last_position THEN
                        RAISE EXCEPTION 'the stream ends at %', stream.last_position USING ERRCODE = 'EV422';
                    END IF;
                    PERFORM FROM \(s).group_slots o WHERE o.group_id = p_group ORDER BY o.slot FOR NO KEY UPDATE;
                    UPDATE \(s).group_slots o SET position = p_position, epoch = o.epoch + 1, attempts = 0, next_try = '-infinity',
                           lease_owner = NULL, lease_until = '-infinity' WHERE o.group_id = p_group;
                    UPDATE \(s).consumer_offsets o SET position = p_position, updated_at = \(s).now(), last_event_id = (
                        SELECT e.id FROM \(s).events e WHERE e.stream_id = stream.id AND e.position = p_position
                           AND e.created_at >= \(s).partition_of(stream.id, p_position)) WHERE o.consumer_group_id = p_group;
                    RETURN p_position;
                """)
    }
}
