import Foundation
import Planning
import PostgresDriver

/// Carries a batch out: looks which parent rows are there again, and changes the children of the others, some thousand rows
/// in a transaction.
struct LooseKeyChange {
    typealias Entry = LooseKeyStore.Entry

    let key: LooseKey
    let databases: LooseKeyDatabases
    /// Rows that one transaction changes.
    let chunk: Int

    private struct Site {
        var parent: Connection
        var child: Connection
        var statements: LooseKeyStatements
    }

    /// - Throws: `EngineFailure` where a table is nowhere, and what ends a connection.
    func perform(_ batch: inout LooseKeyBatch) async throws {
        let (home, place) = (try await databases.place(of: key.parent), try await databases.place(of: key.child))
        let site = Site(
            parent: try await databases.connection(to: home.database),
            child: try await databases.connection(to: place.database),
            statements: LooseKeyStatements(
                key, childIsPartitioned: place.isPartitioned, parentIsPartitioned: home.isPartitioned))
        while !batch.open.isEmpty, batch.chunksLeft > 0 {
            let entries = batch.next
            do {
                try await perform(entries, at: site, &batch)
            } catch let error as PostgresError where !error.isConnectionLost {
                try await separately(entries, at: site, &batch, after: error)
            }
        }
    }

    /// One of several fails: each by itself, so that it stops none of the others.
    private func separately(
        _ entries: [Entry], at site: Site, _ batch: inout LooseKeyBatch, after error: PostgresError
    ) async throws {
        // Without those whose parent rows are there again.
        let entries = entries.filter { entry in batch.open.contains { $0.position == entry.position } }
        guard entries.count > 1 else {
            for entry in entries {
                batch.fail(entry, Self.message(error))
                if entry.action == .update { batch.stop() }
            }
            return
        }
        for entry in entries where batch.chunksLeft > 0 {
            do {
                try await perform([entry], at: site, &batch)
            } catch let error as PostgresError where !error.isConnectionLost {
                batch.fail(entry, Self.message(error))
            }
        }
    }

    private func perform(_ entries: [Entry], at site: Site, _ batch: inout LooseKeyBatch) async throws {
        var entries = entries
        while batch.chunksLeft > 0 {
            // Before each chunk: somebody may insert the parent row again while its children are deleted.
            let present = try await present(entries, at: site)
            batch.release(entries.filter { present.contains($0.position) })
            entries.removeAll { present.contains($0.position) }
            guard !entries.isEmpty else { return }
            guard let count = try await change(entries, at: site), count > 0 else { return batch.finish(entries) }
            batch.changed(count)
        }
    }

    private func present(_ entries: [Entry], at site: Site) async throws -> Set<Int> {
        let rows = try await site.parent.query(
            site.statements.present, [.text(try JSONRecord.encode(entries.map(\.old)))])
        return Set(try rows.map { entries[try $0.int(0) - 1].position })
    }

    /// - Returns: how many rows; nil where nothing is declared for it.
    private func change(_ entries: [Entry], at site: Site) async throws -> Int? {
        let old = Parameter.text(try JSONRecord.encode(entries.map(\.old)))
        if let entry = entries.first, entry.action == .update {
            guard key.onUpdate == .update, entry.new.count == key.childColumns.count else { return nil }
            let new = Parameter.text(try JSONRecord.encode(entry.new))
            return try await site.child.query(site.statements.change, [old, .int(chunk), new]).affectedRows
        }
        guard let removal = site.statements.removal else { return nil }
        return try await site.child.query(removal, [old, .int(chunk)]).affectedRows
    }

    /// Without the details, which may show rows.
    private static func message(_ error: PostgresError) -> String {
        error.message + (error.sqlState.map { " [\($0)]" } ?? "")
    }
}
