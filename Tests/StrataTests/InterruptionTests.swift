#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    /// Ctrl-C and SIGTERM at any moment of a command's life.
    @Suite struct InterruptionTests {
        /// A signal that is ignored, if only for the millisecond before somebody listens for it, is lost: a supervisor that ends what
        /// it has just started would wait for good.
        @Test("From its first moment until it listens a command ignores neither SIGINT nor SIGTERM")
        func neverIgnored() async throws {
            try await Workshop.with { shop in
                for words in [["events", "init"], ["events", "organization", "add", "Shelter"]] {
                    #expect(try await shop.program.start(words).finish().code == 0)
                }
                for _ in 0..<5 {
                    let running = try shop.program.start(["serve", "--listen", "127.0.0.1:0"])
                    let ignored = await Self.ignored(untilItListens: running)
                    #expect(ignored & (1 << (SIGINT - 1) | 1 << (SIGTERM - 1)) == 0)
                    running.signal(SIGTERM)
                    #expect(try await running.finish().code == 0)
                }
            }
        }

        /// On a thread of its own, as often as it can look.
        private static func ignored(untilItListens running: RunningProgram) async -> Int {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    var ignored = 0
                    while !running.errorsSoFar.contains("http://"),
                        FileManager.default.fileExists(atPath: "/proc/\(running.pid)")
                    {
                        for _ in 0..<200 { ignored |= Self.ignored(running.pid) }
                    }
                    continuation.resume(returning: ignored)
                }
            }
        }

        /// Signals that a process ignores, as bits.
        private static func ignored(_ pid: Int32) -> Int {
            let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
            return line.flatMap { Int($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
        }
    }
#endif
