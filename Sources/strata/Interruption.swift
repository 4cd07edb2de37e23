import ArgumentParser
import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM cancel the command, which then ends its statement and leaves a state that can be resumed; a second
/// signal ends the process at once.
enum Interruption {
    /// A parsed command is handed to one task and touched by nobody else.
    private struct Parsed: @unchecked Sendable {
        var command: any AsyncParsableCommand
    }

    private static let task = Mutex<Task<Void, any Error>?>(nil)
    /// Written once, by `install`, before anything else runs.
    private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

    static func install() {
        for number in [SIGINT, SIGTERM] {
            // Elsewhere the source sees a signal that is ignored. On Linux it has a handler of its own once it is there, which it is
            // a moment later: a signal of that moment would be lost, and a command that runs on would run on for good.
            #if !os(Linux)
                signal(number, SIG_IGN)
            #endif
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                let running = task.withLock { $0 }
                guard let running, !running.isCancelled else { _exit(128 + number) }
                running.cancel()
            }
            source.resume()
            sources.append(source)
        }
        // A reader that went away (`strata plan | head`) is no reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
    }

    static func watch(_ command: any AsyncParsableCommand) async throws {
        let work = Task { [parsed = Parsed(command: command)] in
            var command = parsed.command
            try await command.run()
        }
        task.withLock { $0 = work }
        try await work.value
    }
}
