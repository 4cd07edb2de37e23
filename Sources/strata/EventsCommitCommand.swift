import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsCommitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "What a poll has given is done.",
        discussion: """
            All of it, or none of its events where another member has one of the slots by now
            (lease-lost): then forget what was done, and poll again.

            Examples:
              strata events commit animals mailer "$cursor"
              tail -n 1 batch | jq -r .cursor | strata events commit animals mailer -
            """)

    @OptionGroup var place: EventsDeadCommand.Place
    @Argument(help: "The cursor of the poll, or - for stdin.") var cursor: String

    private struct Answer: Encodable {
        var slots: Int
        var deadLetters: Int
    }

    func run() async throws {
        let cursor = try CursorArgument.read(cursor)
        try await place.with { store, organization, group, reader in
            try CursorArgument.check(cursor, group)
            try await reader.commit(cursor, of: organization.id)
            let answer = Answer(slots: cursor.leases.count, deadLetters: cursor.letters.count)
            switch place.global.format {
            case .json: store.workplace.console.output(try JSONOutput.text(answer))
            case .text:
                let letters = answer.deadLetters == 0 ? "" : ", \(counted(answer.deadLetters, "dead letter"))"
                store.workplace.console.output("Committed: \(counted(answer.slots, "slot"))\(letters).\n")
            }
        }
    }
}

struct EventsFailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail",
        abstract: "An event that a poll has given could not be done.",
        discussion: """
            Those before it in what the poll gave are done, and committed by this. It is tried
            again later, or becomes a dead letter after the group's last attempt, or at once with
            --final. Those behind it come again with the next poll: the cursor is used up.

            Examples:
              strata events fail animals mailer "$cursor" 17 --reason "no address"
              strata events fail animals mailer "$cursor" 17 --reason "no such type" --final
            """)

    @OptionGroup var place: EventsDeadCommand.Place
    @Argument(help: "The cursor of the poll, or - for stdin.") var cursor: String
    @Argument(help: "The event's position, or the id of a dead letter that was redriven.") var event: String
    @Option(help: "What went wrong, 1 to 2000 characters; kept with the dead letter.") var reason: String
    @Option(help: "The same in a word of at most 50 characters, to count by.") var kind = ""
    @Flag(help: "No further attempt is worth it.") var final = false

    private enum Item {
        case position(Int)
        case letter(UUID)
    }

    private func item() throws -> Item {
        if let position = Int(event), position > 0 { return .position(position) }
        if let letter = UUID(uuidString: event) { return .letter(letter) }
        throw ValidationError("\(event) is neither a position nor the id of a dead letter")
    }

    func validate() throws {
        _ = try item()
        guard 1...2_000 ~= reason.unicodeScalars.count else {
            throw ValidationError("--reason has 1 to 2000 characters")
        }
        guard kind.unicodeScalars.count <= 50 else { throw ValidationError("--kind has at most 50 characters") }
    }

    private struct Answer: Encodable {
        enum Outcome: String, Encodable { case retry, dead }

        var outcome: Outcome
        var attempts: Int?
        var nextTry: String?
    }

    func run() async throws {
        let (cursor, item) = (try CursorArgument.read(cursor), try item())
        try await place.with { store, organization, group, reader in
            try CursorArgument.check(cursor, group)
            var answer = Answer(outcome: .dead)
            switch item {
            case .letter(let letter):
                try await reader.fail(letter: letter, cursor, of: organization.id, reason: reason, kind: kind)
            case .position(let position):
                guard let slot = try await store.directory.slot(of: position, in: group.id, organization.id) else {
                    throw EventFailure.diagnostic(
                        "position", "there is no event at \(position)", "the lines of the poll have the positions")
                }
                switch try await reader.fail(
                    position, slot: slot, cursor, of: organization.id, reason: reason, kind: kind, isFinal: final)
                {
                case .dead(let attempts): answer.attempts = attempts
                case .retry(let attempts, let at):
                    answer = Answer(outcome: .retry, attempts: attempts, nextTry: EventTime.text(at))
                }
            }
            let console = store.workplace.console
            switch (place.global.format, answer.outcome) {
            case (.json, _): console.output(try JSONOutput.text(answer))
            case (.text, .retry): console.output("It is tried again at \(answer.nextTry ?? "").\n")
            case (.text, .dead):
                console.output("It is a dead letter: strata events dead list \(place.stream) \(place.group)\n")
            }
        }
    }
}

struct EventsLeaveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave",
        abstract: "A member works no more: its slots are free at once.",
        discussion: """
            What it has not committed goes to others.

            Example:
              strata events leave animals mailer --member m1
            """)

    @OptionGroup var place: EventsDeadCommand.Place
    @Option(help: "Its name.") var member: String

    func run() async throws {
        try await place.with { store, organization, group, reader in
            try await reader.leave(group.id, of: organization.id, as: member)
            store.workplace.say("\(DiagnosticText.printable(member)) has left \(group.name).")
        }
    }
}

/// The cursor of a poll, as an argument or by stdin.
enum CursorArgument {
    static func read(_ argument: String) throws -> DeliveryCursor {
        var text = argument
        if argument == "-" {
            let data = try FileHandle.standardInput.read(upToCount: DeliveryCursor.longest + 1) ?? Data()
            text = String(decoding: data, as: UTF8.self)
        }
        guard let cursor = DeliveryCursor(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw EventFailure.diagnostic(
                "cursor", "that is no cursor of a poll, or not all of one; nothing was committed",
                "the last line of strata events poll --format json has it, as \"cursor\"")
        }
        return cursor
    }

    static func check(_ cursor: DeliveryCursor, _ group: GroupStatus) throws {
        guard cursor.group == group.id else {
            throw EventFailure.diagnostic(
                "cursor", "the cursor is of another group than \(group.name); nothing was committed",
                "name the stream and group that were polled")
        }
    }
}
