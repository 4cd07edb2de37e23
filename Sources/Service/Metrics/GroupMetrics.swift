import EventStore
import Planning

/// The figures of groups as metrics, with names: for the operator alone.
enum GroupMetrics {
    /// - Parameter figures: nil: they could not be had; that is said, and the page goes on.
    static func families(_ figures: GroupFigures?) -> [MetricFamily] {
        var known = MetricFamily(
            "groups_known", .gauge, "1: figures of groups follow; 0: the database did not give them.")
        known.add(figures == nil ? 0 : 1)
        guard let figures else { return [known] }
        var lag = MetricFamily("group_lag", .gauge, "Events between the first that is not done and the stream's end.")
        var oldest = MetricFamily(
            "group_oldest_unread_seconds", .gauge, "Age of the first event that is not done; 0 without one.")
        var leases = MetricFamily("group_leases", .gauge, "Slots that a member has.")
        var letters = MetricFamily("group_dead_letters", .gauge, "Dead letters, by status.")
        for group in figures.groups {
            let labels = [
                ("organization", group.organization.text), ("organization_name", group.organizationName),
                ("stream", group.stream), ("group", group.name),
            ]
            lag.add(group.lag, labels)
            oldest.add(group.oldest, labels)
            leases.add(group.leases, labels)
            for status in DeadLetter.Status.allCases {
                letters.add(group.letters[status] ?? 0, labels + [("status", status.rawValue)])
            }
        }
        var leftOut = MetricFamily("groups_left_out", .gauge, "Groups that are less behind, and not shown one by one.")
        leftOut.add(figures.leftOut)
        var leftOutLag = MetricFamily("groups_left_out_lag", .gauge, "The lag of all of those.")
        leftOutLag.add(figures.leftOutLag)
        return [known, lag, oldest, leases, letters, leftOut, leftOutLag]
    }
}
