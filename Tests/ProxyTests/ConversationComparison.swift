import Foundation
import PostgresWire
import TestSupport

@testable import PostgresDriver

/// One client's conversation on both sides.
struct ConversationPair {
    private let direct: ConversationPlayer
    private let proxied: ConversationPlayer

    /// - Parameter limit: seconds that an answer may take.
    init(_ database: TestDatabase, _ proxy: ProxyFixture, limit: Int = 20) throws {
        let settings = database.settings
        let client = try WireClient(port: UInt16(settings.port))
        try client.start(user: settings.user, database: database.name, password: settings.resolvedPassword)
        direct = ConversationPlayer(client)
        let other = try WireClient(port: proxy.port, limit: limit)
        try other.start(user: proxy.user, database: "main")
        proxied = ConversationPlayer(other)
    }

    /// - Returns: what differs.
    func play(_ step: ConversationStep) throws -> String? {
        let wanted = try direct.play(step)
        let got: [WireClient.Message]
        do {
            got = try proxied.play(step)
        } catch {
            return "PostgreSQL \(wanted)\n   the proxy \(error)"
        }
        let (left, right) = (Self.batches(wanted), Self.batches(got))
        let batch = zip(left, right).prefix { $0 == $1 || Self.failsEarlier($0, $1) }.count
        guard batch < left.count || batch < right.count else { return nil }
        let before = left.prefix(batch).reduce(0) { $0 + $1.count }
        let same = before + zip(wanted.dropFirst(before), got.dropFirst(before)).prefix { $0 == $1 }.count
        return """
            answer \(same): PostgreSQL \(wanted.dropFirst(same).prefix(4))
               the proxy \(got.dropFirst(same).prefix(4))
               both before \(wanted.prefix(same).suffix(4))
            """
    }
}

extension ConversationPair {
    /// Up to each ReadyForQuery.
    private static func batches(_ messages: [WireClient.Message]) -> [[WireClient.Message]] {
        var batches: [[WireClient.Message]] = [[]]
        for message in messages {
            batches[batches.count - 1].append(message)
            if message.tag == "Z" { batches.append([]) }
        }
        return batches
    }

    /// Two things that the proxy cannot have as PostgreSQL has them, both of batches that fail there as well. It puts a
    /// statement on a server before it is described or bound there: in a transaction that has failed that fails first, and
    /// where the number of parameters is wrong something else may be, too. And it does not know any more what the unnamed
    /// statement was before a batch that failed before its Parse.
    private static func failsEarlier(_ wanted: [WireClient.Message], _ got: [WireClient.Message]) -> Bool {
        let codes = [wanted, got].map { $0.compactMap { $0.tag == "E" ? $0.error?.code : nil } }
        guard codes[0].count == 1, codes[1].count == 1, wanted.last == got.last else { return false }
        let isUnnamed = got.contains { $0.error?.message == "unnamed prepared statement does not exist" }
        return ["25P02", "08P01"].contains(codes[0][0]) || isUnnamed
    }
}

/// Makes a conversation with a difference as short as it can be with that difference still there.
struct ConversationShrinker {
    let direct: TestDatabase
    let proxy: ProxyFixture
    let setup: String
    /// Nobody waits for more than so many attempts.
    var attempts = 80

    /// - Returns: the shortest found, and its difference; nil where one client alone sees none.
    func shrink(_ steps: [ConversationStep]) throws -> (steps: [ConversationStep], difference: String)? {
        guard var difference = try difference(steps) else { return nil }
        var (best, left) = (steps, attempts)
        var hasShrunk = true
        while hasShrunk, left > 0 {
            hasShrunk = false
            for candidate in candidates(best) {
                left -= 1
                guard left > 0 else { break }
                guard let found = try self.difference(candidate) else { continue }
                (best, difference, hasShrunk) = (candidate, found, true)
                break
            }
        }
        return (best, difference)
    }

    private func candidates(_ steps: [ConversationStep]) -> [[ConversationStep]] {
        let halves = steps.count > 3 ? [Array(steps.dropFirst(steps.count / 2))] : []
        let fewer = steps.indices.dropLast(1).map { index in
            var rest = steps
            rest.remove(at: index)
            return rest
        }
        let shorter = steps.indices.flatMap { index in
            steps[index].shorter.map { step in
                var rest = steps
                rest[index] = step
                return rest
            }
        }
        return halves + fewer + shorter
    }

    private func difference(_ steps: [ConversationStep]) throws -> String? {
        try reset()
        let pair = try ConversationPair(direct, proxy, limit: 2)
        for step in steps { if let found = try pair.play(step) { return found } }
        return nil
    }

    /// Tables as they were at the start, on both sides.
    private func reset() throws {
        let sql = "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public; " + setup
        for database in [direct, proxy.database] {
            let client = try WireClient(port: UInt16(database.settings.port))
            try client.start(
                user: database.settings.user, database: database.name, password: database.settings.resolvedPassword)
            if let error = try client.query(sql).error { throw ProxyFixture.LoginFailure(error: error.message) }
        }
    }
}
