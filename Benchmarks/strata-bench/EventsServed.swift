import EventStore
import Foundation
import PostgresDriver

/// `strata serve` on the store of a measurement: a process of its own, so that its memory and processor time are told apart from
/// those of its clients and of the database.
final class EventsServed {
    /// What its clients need.
    struct Address: Sendable {
        let port: Int
        let key: String
        let pid: pid_t
    }

    let address: Address
    private let process: BackgroundProcess
    private let folder: String

    init(_ place: EventsPlace) async throws {
        let key = try await place.directory.createKey(
            "bench", scopes: [.append, .read, .consume, .manage], of: place.organization)
        let port = try WireClient.freePort()
        folder = NSTemporaryDirectory() + "strata-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        process = try BackgroundProcess(
            "strata-serve",
            [
                ChildRun.strataPath, "serve", "--url", place.url, "--listen", "127.0.0.1:\(port)",
                "--requests-per-second", "1000000",
            ], folder: folder)
        address = Address(port: port, key: key.secret, pid: process.pid)
        do { try await process.waitUntilListening(port: port) } catch {
            stop()
            throw error
        }
    }

    func stop() {
        process.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

extension EventsServed.Address {
    /// Runs what blocks on a thread of its own.
    func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        let executor = ConnectionExecutor(name: "strata-bench-http")
        defer { executor.stop() }
        return try await executor.run(body)
    }

    func append(_ stream: UUID, _ events: [NewEvent]) -> [UInt8] {
        HTTPClient.post(
            "/v1/streams/\(stream)/events", key: key, "[" + events.map(\.asJSON).joined(separator: ",") + "]")
    }

    func post(_ path: String, _ body: String) -> [UInt8] { HTTPClient.post(path, key: key, body) }
}

extension HTTPClient.Answer {
    /// - Throws: with what the service says, where it is not of that status.
    func require(_ status: Int) throws {
        guard self.status == status else {
            throw BenchFailure("the service answered \(self.status): \(String(decoding: body, as: UTF8.self))")
        }
    }

    /// The numbers behind each place where such text stands.
    func numbers(after text: StaticString) -> [Int] {
        var (found, start) = ([Int](), 0)
        while let place = body.place(of: text, from: start) {
            start = place + text.utf8CodeUnitCount
            var number = 0
            while start < body.count, 0x30...0x39 ~= body[start] {
                number = number * 10 + Int(body[start] - 0x30)
                start += 1
            }
            found.append(number)
        }
        return found
    }
}

extension HTTPClient.Answer {
    /// An array without arrays in it that stands behind such text.
    func array(behind text: StaticString) -> String? {
        guard let place = body.place(of: text) else { return nil }
        let start = place + text.utf8CodeUnitCount
        guard let end = body[start...].firstIndex(of: UInt8(ascii: "]")) else { return nil }
        return String(decoding: body[start...end], as: UTF8.self)
    }
}

extension NewEvent {
    /// Those of `EventsPlace` need no quoting.
    fileprivate var asJSON: String {
        "{\"type\":\"\(type)\",\"key\":\"\(key ?? "")\",\"payload\":\(payload),\"metadata\":\(metadata)}"
    }
}
