import Foundation
import TestSupport
import Testing

/// A program that is started again and again and killed with -9 at random moments, until a start of it ends by itself.
struct KilledAtRandom {
    /// Milliseconds by which each start may take longer than the one before, so that one comes to its end however slow the
    /// machine is.
    var step = 100
    let start: () throws -> RunningProgram

    /// - Parameters:
    ///   - name: of the seed, in the output.
    ///   - afterKill: what is true whenever it was killed.
    ///   - mayEnd: whether an end by itself is the last one; false: it is started once more.
    func run(
        _ name: String, usual: UInt64, afterKill: () async throws -> Void = {},
        mayEnd: (Program.Result) async throws -> Bool = { result in
            #expect(result.code == 0, "\(result)")
            return true
        }
    ) async throws {
        var random = SeededRandom(SeededRandom.seed(for: name, usual: usual))
        var kills = 0
        while true {
            let running = try start()
            let longest = 200 + step * kills
            let delay = Duration.milliseconds(longest / 2 + random.below(longest / 2))
            let killer = Task {
                try await Task.sleep(for: delay)
                running.signal(SIGKILL)
            }
            let result = try await running.finish()
            killer.cancel()
            _ = await killer.result
            if result.wasKilled {
                kills += 1
                try await afterKill()
            } else if try await mayEnd(result) {
                break
            }
        }
        #expect(kills > 0)
    }
}
