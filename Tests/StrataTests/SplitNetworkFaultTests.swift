import Foundation
import PostgresDriver
import TestSupport
import Testing

/// The network between the two servers fails; the program reaches both all the while.
@Suite(
    "Split: network that fails",
    .enabled("root may make networks (unshare, nsenter, ip with veth)", { await FaultTools.mayMakeNetworks() }))
struct SplitNetworkFaultTests {
    @Test("S1.7 Cut during the copy: the split stops and says what the target's server cannot reach; then it goes on")
    func copying() async throws {
        try await FaultNetwork.with { site, _, network in
            let journal = try await FaultJournal.with([0: { site.source }, 1: { site.source }]) { journal in
                // The copy's slot waits for this transaction, the rows for the slot.
                let holder = try await Connection.open(site.source)
                try await holder.execute("BEGIN; SELECT pg_current_xact_id()")
                let running = try site.start(["split", "billing"])
                try await eventually("it is about to copy") { running.errorsSoFar.contains("  rows\n") }
                try await network.unplug()
                try await holder.execute("COMMIT")
                await holder.close()
                let cut = try await running.finish()
                #expect(cut.code == 5 && cut.words.contains("database books cannot follow"), "\(cut)")
                #expect(cut.words.contains("it must reach that address"), "\(cut)")
                try await journal.more([0, 1])
                try await site.requireOneHome("main")
                let status = try await site.run("split", "status")
                #expect(status.words.contains("stopped: database books cannot follow"), "\(status)")
                try await network.plugIn()
                let on = try await site.run("split", "billing")
                #expect(on.code == 0, "\(on)")
                try await site.finish("split", "diff", "billing")
                try await journal.more([0, 1])
                return journal
            }
            try await site.verify(journal)
        }
    }

    @Test(
        "S1.7 Cut while the copy follows: status and dry run name it, the switch is refused; then all goes on by itself"
    )
    func following() async throws {
        try await FaultNetwork.with { site, _, network in
            let journal = try await FaultJournal.with([0: { site.source }, 1: { site.source }]) { journal in
                try await site.copy()
                try await network.lose()
                try await eventually("the dry run says that nobody reads the stream") {
                    let dry = try await site.run("switch", "billing", "--dry-run", "--without-proxies")
                    return dry.code == 1 && dry.words.contains("nobody reads the stream to database books")
                }
                // A stream that has just been made takes some seconds to begin.
                _ = try await site.rows(
                    site.source, "UPDATE strata.splits SET changed_at = changed_at - interval '1 minute'")
                let status = try await site.run("split", "status")
                #expect(status.words.contains("nobody reads slot"), "\(status)")
                try await journal.more([0, 1])
                let refused = try await site.run("switch", "billing", "--without-proxies")
                #expect(refused.code == 1 && refused.words.contains("nobody reads the stream"), "\(refused)")
                try await site.requireOneHome("main")
                try await network.find()
                try await site.finish("switch", "billing", "--without-proxies", "--dry-run")
                let healed = try await site.run("split", "status")
                #expect(!healed.words.contains("nobody reads slot"), "\(healed)")
                try await journal.more([0, 1])
                return journal
            }
            try await site.verify(journal)
        }
    }

    @Test("S1.7 Cut in the stream step of a switch: it gives up within its budget, writes go on; later it is made")
    func switching() async throws {
        try await FaultNetwork.with { site, _, network in
            let journal = try await FaultJournal.with([0: { site.source }, 1: { site.source }]) { journal in
                try await site.copy()
                let running = try site.start(["switch", "billing", "--without-proxies", "--budget", "10"])
                try await eventually("it is being made") { running.errorsSoFar.contains("  prepare\n") }
                // The guard waits for this transaction, which is written when nothing arrives any more.
                let holder = try await Connection.open(site.source)
                try await holder.execute(
                    "BEGIN; INSERT INTO billing.invoices (client, number) VALUES (-3, 1)")
                try await eventually("it waits") { running.errorsSoFar.contains("  guard\n") }
                try await network.lose()
                try await holder.execute("COMMIT")
                await holder.close()
                let given = try await running.finish()
                #expect(given.code == 1 && given.errors.contains("  stream\n"), "\(given)")
                #expect(
                    given.words.contains("given up") && given.words.contains("waiting for database books to apply"),
                    "\(given)")
                // Still without a network.
                try await journal.more([0, 1])
                try await site.requireOneHome("main")
                try await network.find()
                try await site.finish("switch", "billing", "--without-proxies", "--budget", "30")
                try await site.requireOneHome("books")
                return journal
            }
            try await site.verify(journal)
            #expect(journal.result.refused > 0)
            #expect(
                try await site.rows(site.target, "SELECT count(*) FROM billing.invoices WHERE client = -3") == [["1"]])
            try await site.finish("reverse", "billing", "--without-proxies", "--budget", "30")
            try await site.requireOneHome("main")
        }
    }
}
