import Planning
import PostgresDriver

/// Makes both databases what the record says: after a switch, after one that was given up, and after one that was killed.
/// What is as it should be stays.
struct SwitchSettlement: Sendable {
    let site: SplitSite
    let mainName: String

    /// Where the schema lives, definitions are changed only so that the other side follows.
    private func guardDefinitions(_ record: SplitRecord, _ place: SwitchSite) async throws {
        let here = DefinitionGuard(place.home)
        let there = DefinitionGuard(place.target)
        if record.isSwitched {
            try await there.prepare()
            _ = try await there.follow(record, at: place.target, main: mainName)
            let words = DefinitionGuard.words(of: record, main: mainName).away
            try await here.set(record.schema, .refuse, reason: words.0, hint: words.1)
        } else {
            _ = try await here.follow(record, at: place.home, main: mainName)
            try await there.clear(record.schema)
        }
    }

    /// The application first: it writes where the schema is, and nothing waits. Then the rest, which may take its time.
    /// - Returns: the record; where an attempt had not come to its decision, it is undone.
    func settle(_ record: SplitRecord) async throws -> SplitRecord {
        let ledger = SplitLedger(site.source)
        try await RouteStore(site.source).withdraw(record)
        guard let record = try await ledger.open(record.schema) else { return record }
        let place = SwitchSite(site, record, mainName: mainName)
        let owner = WriteGuard(record.schema, place.from)
        try await owner.prepare()
        try await owner.open()
        let store = RouteStore(place.home)
        try await store.announce(record.schema, at: place.fromName, destination: place.toName)
        try await store.release(record.schema)
        try await owner.lift()
        let follower = WriteGuard(record.schema, place.to)
        try await follower.prepare()
        try await follower.seal()
        try await follower.install()
        try await follower.enable()
        _ = try await place.target.query(
            "UPDATE strata.incoming SET state = $2 WHERE schema = $1",
            [.text(record.schema), .text(record.isSwitched ? "owned" : "made")])
        // The one that is not in force first: else rows would come back to where they are from.
        let idle = place.forward.other
        try await place.streams(record, idle).remove()
        for generation in record.generations(idle) { try await ledger.removeStream(generation, of: record.id) }
        try await place.streams(record, place.forward).enable()
        guard let settled = try await ledger.open(record.schema) else { return record }
        try await guardDefinitions(settled, place)
        return settled
    }
}
