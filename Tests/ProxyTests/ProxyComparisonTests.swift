import Foundation
import Planning
import TestSupport
import Testing

@testable import Proxy

/// The same conversations with PostgreSQL itself and through the proxy: message by message the same answers.
@Suite("Proxy: send to both, receive the same", .serialized)
struct ProxyComparisonTests {
    private static let clients = 3

    /// `STRATA_CONVERSATIONS` (number, 40): so many of each client.
    private static var groups: Int {
        ProcessInfo.processInfo.environment["STRATA_CONVERSATIONS"].flatMap { Int($0) } ?? 40
    }

    @Test("Random conversations get the answers that PostgreSQL gives: session mode")
    func session() async throws { try await same(.session, isTame: false) }

    @Test("Random conversations get the answers that PostgreSQL gives: transaction mode", arguments: [true, false])
    func transaction(_ isTame: Bool) async throws { try await same(.transaction, isTame: isTame) }

    private func same(_ mode: Database.Pool.Mode, isTame: Bool) async throws {
        let seed = SeededRandom.seed(for: "comparison, \(mode)", usual: 1)
        let setup = ConversationGenerator.setup(clients: Self.clients)
        try await withTestDatabase("direct") { direct in
            try await direct.execute(setup)
            try await withProxy(size: Self.clients + 2, mode: mode, setup: setup) { proxy in
                _ = try await ClientThreads.run(1) { _ in
                    for group in 0..<Self.groups { try compare(seed &+ UInt64(group), isTame, direct, proxy, mode) }
                }
            }
        }
        print("comparison, \(mode): \(Self.groups * Self.clients) conversations, the same")
    }

    struct Difference: Error, CustomStringConvertible { var description: String }

    /// Conversations of several clients, a step of one and then a step of another.
    private func compare(
        _ seed: UInt64, _ isTame: Bool, _ direct: TestDatabase, _ proxy: ProxyFixture, _ mode: Database.Pool.Mode
    ) throws {
        var chance = SeededRandom(seed)
        let noise = try mode == .transaction ? proxy.wire() : nil
        let conversations = (0..<Self.clients).map { client in
            var generator = ConversationGenerator(chance.next(), client: client, isTame: isTame)
            return generator.conversation()
        }
        var pairs: [ConversationPair] = []
        do {
            for _ in 0..<Self.clients { pairs.append(try ConversationPair(direct, proxy)) }
        } catch {
            throw Difference(description: "STRATA_FUZZ_SEED=\(seed), log-in of client \(pairs.count): \(error)")
        }
        var next = [Int](repeating: 0, count: Self.clients)
        while let index = pairs.indices.filter({ next[$0] < conversations[$0].count }).randomElement(using: &chance) {
            // Another client takes a server or gives one back, so that the next one gets another.
            if let noise { _ = try noise.query(chance.once(in: 2) ? "BEGIN; SELECT 1" : "ROLLBACK") }
            let step = conversations[index][next[index]]
            next[index] += 1
            let difference: String?
            do {
                difference = try pairs[index].play(step)
            } catch is ConversationPair.NothingToCompare {
                next[index] = conversations[index].count
                continue
            }
            guard let difference else { continue }
            let sent = Array(conversations[index].prefix(next[index]))
            // They may hold locks in transactions, and who looks for the shortest makes the tables anew.
            pairs = []
            throw try explained(sent, difference, "STRATA_FUZZ_SEED=\(seed), client \(index)", direct, proxy)
        }
    }

    private func explained(
        _ sent: [ConversationStep], _ difference: String, _ place: String, _ direct: TestDatabase,
        _ proxy: ProxyFixture
    ) throws -> Difference {
        let shrinker = ConversationShrinker(
            direct: direct, proxy: proxy, setup: ConversationGenerator.setup(clients: Self.clients))
        var (steps, shown) = (sent, difference)
        do {
            if let shortest = try shrinker.shrink(sent) { (steps, shown) = shortest }
        } catch {
            shown += "\n(not made shorter: \(error))"
        }
        let text = steps.map { "   \($0)" }.joined(separator: "\n")
        return Difference(description: "\(place), shortest:\n\(text)\n\(shown)")
    }
}
