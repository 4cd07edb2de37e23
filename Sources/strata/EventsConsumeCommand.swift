import ArgumentParser
import Engine
import EventStore
import Foundation
import Planning
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

struct EventsConsumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume",
        abstract: "Gives a group's events to a program, and commits what it has done.",
        discussion: """
            Each batch is lines of JSON on the program's stdin, as events read --format json gives
            them. Where it exits with 0 the batch is committed. Otherwise the events of the batch are
            given to it one by one, and the one that fails alone is tried again later, or becomes a
            dead letter after the group's last attempt. Killed at any point, what is not committed
            comes again: the program sees each event at least once, those of a key in order.

            The program has to end within the lease. It runs until SIGINT or SIGTERM, which
            end the program too, or with --once until nothing is left.

            Examples:
              strata events consume animals mailer --lease 5m -- ./mail --quiet
              strata events consume animals mailer --once -- sh -c 'jq -r .type | sort | uniq -c'
            """)

    @OptionGroup var place: EventsDeadCommand.Place
    @Option(
        help: ArgumentHelp("A name of its own, 1 to 200 bytes; host and process unless given.", valueName: "name"))
    var member: String?
    @Option(help: ArgumentHelp("How long a batch may take, 1s to 1h.", valueName: "duration"))
    var lease = DurationArgument(.seconds(60))
    @Option(help: ArgumentHelp("How many events in a batch, 1 to 10000.", valueName: "number")) var limit = 100
    @Flag(help: "Ends when nothing is left to be done now.") var once = false
    @Argument(parsing: .postTerminator, help: "The program and its arguments, behind --.") var program: [String] = []

    func validate() throws {
        if let member, !(1...200).contains(member.utf8.count) { throw ValidationError("--member has 1 to 200 bytes") }
        guard 1...10_000 ~= limit else { throw ValidationError("--limit must be from 1 to 10000") }
        guard .seconds(1)...Duration.seconds(3_600) ~= lease.duration else {
            throw ValidationError("--lease must be from 1s to 1h")
        }
        guard !program.isEmpty else { throw ValidationError("which program? strata events consume … -- PROGRAM") }
    }

    func run() async throws {
        try await place.with { store, organization, group, reader in
            let stream = try await store.stream(place.stream, of: organization)
            let name = member ?? "\(ProcessInfo.processInfo.hostName.prefix(150)) \(getpid())"
            let consumption = Consumption(
                reader: reader, group: group.id, organization: organization.id, member: name,
                program: ConsumingProgram(words: program), console: store.workplace.console)
            do {
                try await GroupMembership(store, organization, stream, group, reader).working(
                    as: name, lease: lease.duration
                ) { try await consumption.run($0, limit: limit, isOnce: once) }
            } catch is CancellationError {
                await consumption.leave()
                guard once else { return }
                throw EngineFailure(
                    .resumable,
                    Diagnostic(
                        .error, "interrupted", "interrupted; what was committed stays",
                        nextStep: "the same command goes on with the rest"))
            } catch {
                await consumption.leave()
                throw error
            }
            await consumption.leave()
        }
    }
}

/// The program that gets the events.
private struct ConsumingProgram {
    let words: [String]

    /// - Returns: nil: it exited with 0; else how it ended.
    /// - Throws: `CancellationError`; a diagnostic where it cannot be run.
    func run(_ lines: [String]) async throws -> String? {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        let bytes = Array(lines.joined().utf8)
        do {
            let result = try await Subprocess.run(
                words[0].contains("/") ? .path(FilePath(words[0])) : .name(words[0]),
                arguments: Arguments(Array(words.dropFirst())), platformOptions: options, input: .inputWriter,
                output: .currentStandardOutput, error: .currentStandardError
            ) { execution in
                // One that does not read all of it says by its exit code whether that was right.
                _ = try? await execution.standardInputWriter.write(bytes)
                try? await execution.standardInputWriter.finish()
            }
            // Whoever was told to end knows nothing of the batch, whatever the program says at its end. Both may have been told, and
            // the program was faster.
            if Self.wasTold(result.terminationStatus) { try await Task.sleep(for: .seconds(1)) }
            try Task.checkCancellation()
            return Self.failure(result.terminationStatus, words[0])
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw EventFailure.diagnostic(
                "program", "cannot run \(DiagnosticText.printable(words[0])): \(error); nothing was committed",
                "check that the program is there, and may be run")
        }
    }

    /// By SIGHUP, SIGINT or SIGTERM, also as a shell says that of its command.
    private static func wasTold(_ status: TerminationStatus) -> Bool {
        switch status {
        case .exited(let code): [129, 130, 143].contains(code)
        case .signaled(let signal): [1, 2, 15].contains(signal)
        }
    }

    private static func failure(_ status: TerminationStatus, _ name: String) -> String? {
        switch status {
        case .exited(0): nil
        case .exited(let code): "\(name) exited with \(code)"
        case .signaled(let signal): "\(name) was ended by signal \(signal)"
        }
    }
}

/// Batches, one after the other.
private struct Consumption {
    let reader: EventReader
    let group: UUID
    let organization: UUID
    let member: String
    let program: ConsumingProgram
    let console: Console

    func run(_ one: GroupMember, limit: Int, isOnce: Bool) async throws {
        while true {
            let delivery = try await one.next(limit: limit, waiting: isOnce ? .zero : .seconds(3_600))
            if delivery.isEmpty {
                if isOnce { return }
                continue
            }
            do {
                try await work(delivery)
            } catch EventStoreRefusal.leaseLost {
                console.error(
                    "The lease was lost, and the batch comes again: a longer --lease, or a smaller --limit.\n")
            }
        }
    }

    /// Its slots are free at once, also where this was told to end.
    func leave() async {
        await Task { try? await reader.leave(group, of: organization, as: member) }.value
    }

    private func work(_ delivery: Delivery) async throws {
        guard let failure = try await program.run(DeliveryLines.all(delivery)) else {
            return try await reader.commit(DeliveryCursor(delivery, of: group, as: member), of: organization)
        }
        try await singly(delivery, failure)
    }

    /// Which event it was shows when each comes alone; what is done is committed at once. An event that fails takes along those
    /// behind it in its slot.
    private func singly(_ delivery: Delivery, _ failure: String) async throws {
        let isAlone = delivery.events.count + delivery.redriven.count == 1
        var leases = Dictionary(uniqueKeysWithValues: delivery.leases.map { ($0.slot, $0) })
        for delivered in delivery.events {
            guard var lease = leases[delivered.slot] else { continue }
            let position = delivered.event.position
            if let reason = isAlone ? failure : try await program.run([EventsReadCommand.line(delivered.event)]) {
                leases[delivered.slot] = nil
                let outcome = try await reader.fail(
                    position, in: lease, group, of: organization, as: member, reason: reason, kind: "exit")
                say(outcome, position, reason)
            } else {
                try await reader.commit([(lease, position)], group, of: organization, as: member)
                lease.position = position
                leases[delivered.slot] = lease
            }
        }
        for redriven in delivery.redriven {
            let reason = isAlone ? failure : try await program.run([DeliveryLines.line(redriven)])
            try await reader.settle(
                redriven, of: organization, as: member, failure: reason.map { ($0, "exit") })
        }
        let rest = leases.values.compactMap { lease in
            lease.through.flatMap { $0 > lease.position ? (lease: lease, through: $0) : nil }
        }
        if !rest.isEmpty { try await reader.commit(rest, group, of: organization, as: member) }
    }

    private func say(_ outcome: FailureOutcome, _ position: Int, _ reason: String) {
        switch outcome {
        case .retry(let attempts, let at):
            console.error("event \(position): \(reason); attempt \(attempts), again at \(EventTime.text(at))\n")
        case .dead: console.error("event \(position): \(reason); it is a dead letter now\n")
        }
    }
}
