import ArgumentParser
import Engine
import EventStore

/// The command line: a thin shell over the Engine.
@main
struct Strata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strata",
        abstract: "Takes a PostgreSQL application from one pile of tables to schemas with clear owners.",
        discussion: """
            One file, the layout, says where everything lives. Each command compares it with what is really there.

            A first walk, with a private PostgreSQL and nothing to set up:
              strata pg start
              strata init --suggest --out strata.yaml
              strata plan
              strata apply
              strata verify
              strata rollback

            Exit codes: 0 done, 1 failed, 2 changes pending (plan --detailed-exit-code),
            3 hazards not accepted or (import) something to be decided first,
            4 verification found a difference, 5 stopped but resumable,
            6 (import) more rows rejected than allowed, 64 usage.
            """,
        version: "strata \(StrataVersion.current)",
        subcommands: [
            InitCommand.self, PlanCommand.self, ApplyCommand.self, VerifyCommand.self, RollbackCommand.self,
            ContractCommand.self, StatusCommand.self, SplitCommand.self, SwitchCommand.self, ReverseCommand.self,
            CompleteCommand.self, ProxyCommand.self, RouteCommand.self, EventsCommand.self, ServeCommand.self,
            ProjectCommand.self, ImportCommand.self, ServerCommand.self,
        ])

    static func main() async {
        CryptographyAtExit.leaveToSystem()
        Interruption.install()
        var command: (any ParsableCommand)?
        do {
            var parsed = try parseAsRoot()
            command = parsed
            if let asynchronous = parsed as? any AsyncParsableCommand {
                try await Interruption.watch(asynchronous)
            } else {
                // Help and completion scripts: the parser's own commands, which end by throwing.
                do { try parsed.run() } catch { exit(withError: error) }
            }
        } catch let code as ExitCode {
            exit(withError: code)
        } catch  where command == nil || error is CleanExit || error is ValidationError {
            exit(withError: error)
        } catch {
            Failure.report(error)
        }
    }
}
