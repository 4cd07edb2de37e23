import Dispatch
import Foundation

/// Files of events, read again.
package enum EventFileReader {
    private static let chunkBytes = 1 << 18

    /// - Throws: `EventStoreProblem` where it cannot be read; `CancellationError`.
    package static func tally(of path: String) async throws -> EventTally {
        var tallying = try EventTallying()
        try await chunks(of: path) { try tallying.add($0) }
        return try tallying.finish()
    }

    /// Its bytes in pieces of at most 256 KiB. Read on a thread that may wait for the disk.
    static func chunks(of path: String, _ body: ([UInt8]) async throws -> Void) async throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileBytes.problem("read", path) }
        defer { close(descriptor) }
        let queue = DispatchQueue(label: "strata.events.read")
        while true {
            try Task.checkCancellation()
            let chunk: [UInt8] = try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result { try read(descriptor, path) }) }
            }
            guard !chunk.isEmpty else { return }
            try await body(chunk)
        }
    }

    private static func read(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
        var failure: EventStoreProblem?
        let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
            var got: Int
            repeat { got = Foundation.read(descriptor, buffer.baseAddress, chunkBytes) } while got < 0 && errno == EINTR
            if got < 0 { failure = FileBytes.problem("read", path) }
            count = max(got, 0)
        }
        if let failure { throw failure }
        return chunk
    }

    /// Its lines, without their ends.
    ///
    /// - Throws: `EventStoreProblem` for a line of more than 64 MiB, and for bytes behind the last line end.
    static func lines(of path: String, _ body: (ArraySlice<UInt8>) async throws -> Void) async throws {
        var rest: [UInt8] = []
        try await chunks(of: path) { chunk in
            var start = 0
            while let end = chunk[start...].firstIndex(of: 0x0A) {
                if rest.isEmpty {
                    try await body(chunk[start..<end])
                } else {
                    rest += chunk[start..<end]
                    try await body(rest[...])
                    rest = []
                }
                start = end + 1
            }
            rest += chunk[start...]
            guard rest.count <= 64 << 20 else {
                throw EventStoreProblem("archive", "\(path) has a line of more than 64 MiB: it is no file of events")
            }
        }
        guard rest.isEmpty else {
            throw EventStoreProblem(
                "archive", "\(path) ends in the middle of a line",
                next: "strata events archive verify looks at the folder")
        }
    }
}
