import TestSupport
import Testing

/// What has to be so when the clients have ended.
extension SwitchLoad {
    /// Until so many more are acknowledged.
    func written(_ more: Int) async throws {
        let wanted = count + more
        try await eventually("\(more) more writes") { count >= wanted || !result.failures.isEmpty }
    }

    /// - Parameter query: asks the database where the schema lives.
    func expectWhole(
        _ query: (String) async throws -> [[String]], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await result.expectWhole(schema, query, sourceLocation: sourceLocation)
    }
}

extension SwitchLoad.Journal {
    /// Nothing failed, nobody read less than it had written, and what is there is what was acknowledged, once.
    func expectWhole(
        _ schema: String, _ query: (String) async throws -> [[String]],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(failures.isEmpty, "\(failures.prefix(3))", sourceLocation: sourceLocation)
        #expect(stale == 0, sourceLocation: sourceLocation)
        #expect(Set(ids).count == ids.count, sourceLocation: sourceLocation)
        let rows = try await query(
            "SELECT client, array_agg(number ORDER BY number)::text FROM \(schema).invoices GROUP BY 1")
        let found = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
        #expect(found.count == acknowledged.count, sourceLocation: sourceLocation)
        for (client, numbers) in acknowledged {
            let wanted = "{\(numbers.sorted().map(String.init).joined(separator: ","))}"
            #expect(found["\(client)"] == wanted, "client \(client)", sourceLocation: sourceLocation)
        }
        let totals = try await query("SELECT client, n FROM \(schema).totals WHERE n > 0")
        let counted = Dictionary(uniqueKeysWithValues: totals.map { (Int($0[0]) ?? -1, Int($0[1]) ?? -1) })
        #expect(counted == transactions, sourceLocation: sourceLocation)
        // The next number is free wherever the schema lives.
        let isFree = try await query(
            "SELECT (last_value >= (SELECT max(id) FROM \(schema).invoices))::text FROM \(schema).invoices_id_seq")
        #expect(isFree == [["true"]], sourceLocation: sourceLocation)
    }
}
