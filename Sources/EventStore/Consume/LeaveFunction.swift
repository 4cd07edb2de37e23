/// A member that ends: what it had is free at once, and not only when its lease is over.
struct LeaveFunction {
    private let store: EventSchema

    init(_ store: EventSchema) { self.store = store }

    /// What it has not committed is delivered to others. A member that is none changes nothing.
    var statements: [String] {
        let s = store.schema
        return store.function(
            "leave(p_org uuid, p_group uuid, p_member varchar)", types: "uuid, uuid, varchar", returns: "void",
            """
                UPDATE \(s).group_slots o SET lease_owner = NULL, lease_until = '-infinity'
                 WHERE o.group_id = p_group AND o.org_id = p_org AND o.slot = ANY (ARRAY(
                    SELECT x.slot FROM \(s).group_slots x WHERE x.group_id = p_group AND x.lease_owner = p_member
                     ORDER BY x.slot FOR NO KEY UPDATE));
                UPDATE \(s).dead_letter_events d SET lease_owner = NULL, next_try = '-infinity'
                 WHERE d.group_id = p_group AND d.org_id = p_org AND d.status = 'redriving' AND d.lease_owner = p_member;
                DELETE FROM \(s).group_members m WHERE m.group_id = p_group AND m.org_id = p_org AND m.member = p_member;
            """)
    }
}
