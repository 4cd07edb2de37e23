import ArgumentParser
import Engine
import EventStore
import Foundation
import Planning

struct EventsSubjectForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Deletes a subject's key for good: what is encrypted with it cannot be read any more.",
        discussion: """
            It is put on record with who did it and why. Nothing undoes it. Read models
            keep what they have until they are rebuilt; the answer names them. With --rebuild
            those that the layout declares are: anew from the first event, beside the live
            ones, and no copy of before is kept. Cut off (exit code 5), the same command goes on.

            Examples:
              strata events subject forget 4711 --reason "request of 22 November"
              strata events subject forget 4711 --reason "request of 22 November" --rebuild
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The subject's id.") var subject: String
    @Option(help: "For the record, 1 to 1000 characters; nothing about the subject itself.") var reason: String
    @Flag(help: "Does not ask.") var yes = false
    @Flag(help: "Rebuilds the read models that may have it, by the layout.") var rebuild = false

    func validate() throws {
        guard (1...1_000).contains(reason.count) else { throw ValidationError("--reason has 1 to 1000 characters") }
        guard (1...200).contains(subject.utf8.count) else { throw ValidationError("a subject has 1 to 200 bytes") }
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let known = try await place.directory.subjects(of: organization.id, id: subject)
            guard !known.isEmpty else {
                throw EventFailure.diagnostic(
                    "subject", "organisation \(organization.name) has no subject \(subject)",
                    "strata events subject list shows them")
            }
            let declared = try await declared(organization, place)
            guard !declared.isEmpty else { return try await forget(organization, place, []) }
            // What stands in the way of a rebuild is said before anything is forgotten.
            try await ProjectPlace.with(global, declared) { projections in
                try await forget(
                    organization, place, projections.entries.filter { $0.projection.organization == organization.id })
            }
        }
    }

    /// Projections of the layout that read this store, and may have copies.
    private func declared(_ organization: Organization, _ place: EventPlace) async throws -> [String] {
        guard rebuild else { return [] }
        let names = try await place.directory.copies(of: organization.id).flatMap(\.projections)
        return try place.workplace.layout().projections.filter {
            $0.store == place.schema.name && names.contains($0.name)
        }.map(\.name)
    }

    private func forget(
        _ organization: Organization, _ place: EventPlace, _ entries: [ProjectPlace.Entry]
    ) async throws {
        let question = "Forget subject \(DiagnosticText.printable(subject)) of \(organization.name) for good?"
        guard yes || place.workplace.console.confirm(question) else {
            throw EventFailure.diagnostic(
                "not-confirmed", "nothing was forgotten: it cannot be undone, and nobody has agreed",
                "say --yes, or answer y on a terminal")
        }
        let actor = "\(ActorIdentity.current.actor)@\(ActorIdentity.current.host)"
        let done = try await place.directory.forget(subject, of: organization.id, by: actor, reason: reason)
        await place.directory.vacuumKeys()
        var output = ForgettingOutput(
            subject: subject, done, try await place.directory.copies(of: organization.id), isRebuilding: rebuild)
        if global.format == .text { output.say(place.workplace) }
        var failures: [Diagnostic] = []
        var (isInterrupted, isResumable) = (false, true)
        for entry in entries where output.toRebuild.contains(entry.projection.name) && !isInterrupted {
            do {
                output.did(entry.projection.name, try await renew(entry, after: done.at, place), place.workplace)
            } catch is CancellationError {
                isInterrupted = true
            } catch {
                let (diagnostics, code) = Failure.describe(ProjectFailure.readable(error, of: entry.projection.name))
                failures += diagnostics
                if code != .stoppedResumable { isResumable = false }
            }
        }
        if global.format == .json { place.workplace.console.output(try JSONOutput.text(output.shown)) }
        try output.finish(failures, isInterrupted: isInterrupted, isResumable: isResumable)
    }

    private func renew(_ entry: ProjectPlace.Entry, after forgotten: Date, _ place: EventPlace) async throws -> Bool {
        var options = ProjectionRebuild.Options()
        (options.expectsDifference, options.dropsOld) = (true, true)
        let progress = RebuildProgress(console: place.workplace.console)
        defer { progress.finish() }
        return try await ProjectionRebuild(
            entry.projection, reader: entry.reader, target: entry.target, options: options, report: progress.handle
        ).renew(after: forgotten)
    }
}

/// What is told of a forgetting.
private struct ForgettingOutput {
    struct Shown: Encodable {
        struct Rebuilt: Encodable {
            var name: String
            /// `rebuilt`, or `done`: it was made of later reads already.
            var outcome: String
        }

        var subject: String
        var hadKey: Bool
        var forgottenAt: Date
        var projectionsToRebuild: [String]
        var rebuilt: [Rebuilt] = []
        var groupsWithCopies: [String]
    }

    private(set) var shown: Shown
    private let isRebuilding: Bool

    init(subject: String, _ done: (hadKey: Bool, at: Date), _ copies: [SubjectCopies], isRebuilding: Bool) {
        shown = Shown(
            subject: subject, hadKey: done.hadKey, forgottenAt: done.at,
            projectionsToRebuild: copies.flatMap(\.projections),
            groupsWithCopies: copies.flatMap { stream in stream.groups.map { "\($0) of \(stream.stream)" } })
        self.isRebuilding = isRebuilding
    }

    var toRebuild: [String] { shown.projectionsToRebuild }

    static func command(_ name: String) -> String { "strata project rebuild \(name) --expect-difference --drop-old" }

    func say(_ workplace: Workplace) {
        let name = DiagnosticText.printable(shown.subject)
        workplace.console.output(
            shown.hadKey
                ? "Subject \(name) is forgotten.\n"
                : "Subject \(name) was forgotten on \(EventText.time(shown.forgottenAt)).\n")
        if !toRebuild.isEmpty, !isRebuilding {
            workplace.say(
                "Read models that may still have what was forgotten, until they are rebuilt (or by --rebuild):")
            for projection in toRebuild { workplace.say("  \(Self.command(projection))") }
        }
        if !shown.groupsWithCopies.isEmpty {
            workplace.say(
                "Consumers that may have copies of their own: \(shown.groupsWithCopies.joined(separator: ", "))")
        }
        workplace.say("Backups that are older still have the key, wrapped: docs/events.md, Forgetting.")
    }

    mutating func did(_ name: String, _ hasWorked: Bool, _ workplace: Workplace) {
        shown.projectionsToRebuild.removeAll { $0 == name }
        shown.rebuilt.append(Shown.Rebuilt(name: name, outcome: hasWorked ? "rebuilt" : "done"))
        workplace.say(
            hasWorked
                ? "Read model \(name) is rebuilt: nothing that was forgotten is left in it."
                : "Read model \(name) was made after that already.")
    }

    /// - Throws: what is left to be done.
    func finish(_ failures: [Diagnostic], isInterrupted: Bool, isResumable: Bool) throws {
        guard isRebuilding, !toRebuild.isEmpty else { return }
        let again = "the same command goes on with what is left"
        if isInterrupted {
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "interrupted",
                    "interrupted; the subject is forgotten, these are not rebuilt yet: \(toRebuild.joined(separator: ", "))",
                    nextStep: again))
        }
        var failure = EngineFailure(
            isResumable && !failures.isEmpty ? .resumable : .failed,
            Diagnostic(
                .error, "not-rebuilt",
                "the subject is forgotten, and these read models may still have what was: \(toRebuild.joined(separator: ", "))",
                nextStep: failures.isEmpty
                    ? "they are not of this layout: \(Self.command("NAME")) where they are declared"
                    : "mend that; \(again)"))
        failure.diagnostics = failures + failure.diagnostics
        throw failure
    }
}
