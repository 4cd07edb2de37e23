import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM cancel the command, which then ends its statement and leaves a state that can be resumed; a second
/// signal ends the process at once.
enum Interruption {
    private static let task = Mutex<Task<Void, any Error>?>(nil)
    private static let sources = Mutex<[any DispatchSourceSignal]>([])

    static func install() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                let running = task.withLock { $0 }
                guard let running, !running.isCancelled else { _exit(128 + number) }
                running.cancel()
            }
            source.resume()
            sources.withLock { $0.append(source) }
        }
        // A reader that went away (`strata plan | head`) is no reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
    }

    static func watch(_ body: sending @escaping () async throws -> Void) async throws {
        let work = Task { try await body() }
        task.withLock { $0 = work }
        try await work.value
    }
}
