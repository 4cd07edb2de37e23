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
        let other: WireClient
        do {
            other = try WireClient(port: proxy.port, limit: limit)
            try other.start(user: proxy.user, database: "main")
        } catch {
            throw ProxyFixture.LoginFailure(error: "through the proxy: \(error)")
        }
        proxied = ConversationPlayer(other)
    }

    /// PostgreSQL itself ended the session, as it does with a message that has no place in COPY; or a Parse has failed
    /// there that the proxy answered alone, in a pipeline whose transaction had failed.
    struct NothingToCompare: Error {}

    /// - Returns: what differs.
    /// - Throws: `NothingToCompare`; then there is nothing more to compare.
    func play(_ step: ConversationStep) throws -> String? {
        let wanted: [WireClient.Message]
        do { wanted = try direct.play(step) } catch is WireClient.Failure { throw NothingToCompare() }
        if wanted.last?.tag == "!" { throw NothingToCompare() }
        let got: [WireClient.Message]
        do {
            got = try proxied.play(step)
        } catch {
            return "PostgreSQL \(wanted)\n   the proxy \(error)"
        }
        let (left, right) = (Self.batches(wanted), Self.batches(got))
        let batch = zip(left, right).prefix { $0 == $1 || Self.failsEarlier($0, $1) }.count
        // From here on the client has another statement under some name, as it was told.
        let parses = [left, right].map { $0.prefix(batch).map { $0.count { $0.tag == "1" } } }
        if parses[0] != parses[1] { throw NothingToCompare() }
        // Of a batch that ends with Flush only the first answer is here.
        if let last = left.last, !last.isEmpty, last.last?.tag != "Z", batch == left.count, last != right.last {
            throw NothingToCompare()
        }
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

    /// Things that the proxy cannot have as PostgreSQL has them, both of batches that fail there as well. It puts a
    /// statement on a server before it is described or bound there: what is wrong with its text now (a table that has
    /// gone, another search_path), and that the transaction has failed, is said then, before PostgreSQL comes to it, or
    /// to a wrong number of parameters. And it does not know any more what the unnamed statement was before a batch that
    /// failed before its Parse.
    private static func failsEarlier(_ wanted: [WireClient.Message], _ got: [WireClient.Message]) -> Bool {
        let errors = [wanted, got].map { $0.filter { $0.tag == "E" } }
        // A text that was prepared under another search_path is known here; it fails when it is bound.
        if errors[1].isEmpty, errors[0].map({ $0.error?.code }) == ["42P01"], !got.contains(where: { $0.tag == "2" }) {
            return true
        }
        let hasFailed = got.contains { $0.error?.code == "25P02" }
        if hasFailed, errors[0].isEmpty, wanted.last?.tag != "Z" { return true }
        // A batch that ends with Flush has no ReadyForQuery.
        let isEqualEnd = wanted.last == got.last || wanted.last?.tag == "E" && got.last?.tag == "E"
        guard errors[0].count == 1, errors[1].count == 1, isEqualEnd else { return false }
        if errors[0] == errors[1] { return true }
        let isUnnamed = errors[1][0].error?.message == "unnamed prepared statement does not exist"
        // A statement that executes itself: PostgreSQL runs into its stack, the proxy puts no statement into itself.
        let codes = errors.map { $0[0].error?.code }
        return ["25P02", "08P01", "54001"].contains(codes[0]) || codes[1] == "42P01" || isUnnamed
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
        let pair = try ConversationPair(direct, proxy, limit: 5)
        do {
            for step in steps { if let found = try pair.play(step) { return found } }
        } catch is ConversationPair.NothingToCompare {}
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
