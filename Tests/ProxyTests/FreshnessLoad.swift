import Foundation
import PostgresWire
import Synchronization

/// Clients that write rows, and others that read them on other connections, through one proxy.
///
/// What was acknowledged is written down before anybody may expect it; a reader looks there, and only then sends. So
/// whatever it sees that is older was stale.
struct FreshnessLoad: Sendable {
    enum Style: Int, Sendable, CaseIterable {
        case simple, prepared, transaction
    }

    struct Reading: Sendable {
        var reads = 0
        var onReplicas = 0
        /// Older than what had been acknowledged before the read was sent.
        var stale = 0
        /// Older than what this client had read before.
        var backwards = 0
        var failures = 0
        /// Of COMMIT, after all had been read: its replica has gone with the transaction.
        var lateFailures = 0
        var firstFailure: String?

        var share: Double { reads == 0 ? 0 : Double(onReplicas) / Double(reads) }

        mutating func add(_ other: Reading) {
            reads += other.reads
            onReplicas += other.onReplicas
            stale += other.stale
            backwards += other.backwards
            failures += other.failures
            lateFailures += other.lateFailures
            firstFailure = firstFailure ?? other.firstFailure
        }
    }

    struct Result: Sendable {
        var reading = Reading()
        var writes = 0
        var seconds: Double

        var summary: String {
            let share = (reading.share * 1000).rounded() / 10
            return "\(reading.reads) reads, \(share) % by replicas, \(reading.stale) stale, "
                + "\(reading.backwards) went backwards, \(reading.failures) failed; \(writes) writes, "
                + "\(Int(seconds)) s"
        }
    }

    var writers = 6
    var readers = 18
    /// In front of each read.
    var prefix = ""
    var styles = Style.allCases
    /// How a transaction round a read begins.
    var begins = ["BEGIN"]
    /// A writer's pause after each write, in milliseconds: what makes tables "rarely written".
    var pause = 20...120
    /// Called with the reader's number and the port of whoever answered.
    var answered: @Sendable (Int, String) -> Void = { _, _ in }
    let primaryPort: Int
    let connect: @Sendable () throws -> WireClient

    /// What is known to be committed, by row.
    final class Board: Sendable {
        private struct State {
            var versions: [Int]
            var latest = 0
        }
        private let state: Mutex<State>

        init(rows: Int) { state = Mutex(State(versions: [Int](repeating: 0, count: rows))) }

        func next(_ row: Int) -> Int { state.withLock { $0.versions[row] + 1 } }
        func acknowledge(_ row: Int, _ version: Int) {
            state.withLock {
                $0.versions[row] = version
                $0.latest = row
            }
        }
        /// Every other time the row that was written last: that is what readers get wrong first.
        func pick() -> (row: Int, version: Int) {
            state.withLock {
                let row = Bool.random() ? $0.latest : Int.random(in: 0..<$0.versions.count)
                return (row, $0.versions[row])
            }
        }
        func version(_ row: Int) -> Int { state.withLock { $0.versions[row] } }
    }

    static let kinds = FreshnessLoadTables.all
    var board: Board { Board(rows: Self.kinds.count * writers) }

    /// - Parameter board: of all loads on the same tables, so that versions go on growing.
    func run(
        seconds: Double, on board: Board, _ isOver: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Result {
        let start = ContinuousClock.now
        let end = start + .milliseconds(Int(seconds * 1000))
        let count = writers
        let results = try await ClientThreads.run(writers + readers) { index -> Result in
            var result = Result(seconds: seconds)
            if index < count {
                let client = try connect()
                while ContinuousClock.now < end, !isOver() {
                    try write(client, index, board)
                    result.writes += 1
                    Thread.sleep(forTimeInterval: Double(Int.random(in: pause)) / 1000)
                }
            } else {
                var reader = try FreshnessReader(
                    self, index, style: styles[index % styles.count], begin: begins[index % begins.count])
                while ContinuousClock.now < end, !isOver() { reader.read(board) }
                result.reading = reader.reading
            }
            return result
        }
        var sum = Result(seconds: (ContinuousClock.now - start) / .seconds(1))
        for result in results {
            sum.reading.add(result.reading)
            sum.writes += result.writes
        }
        return sum
    }

    /// One row of this writer's, and the next version of it; returns once it is acknowledged.
    func write(_ client: WireClient, _ writer: Int, _ board: Board, kind: Int? = nil) throws {
        let kind = kind ?? Int.random(in: 0..<Self.kinds.count)
        let row = kind * writers + writer
        let version = board.next(row)
        let sql = Self.kinds[kind].write(writer, version)
        switch version % 4 {
        case 0: try done(client.query(sql))
        case 1:
            try client.send(WireClient.parse("", sql) + WireClient.bind() + WireClient.execute() + WireClient.sync)
            try done(client.results())
        case 2:
            try done(client.query("BEGIN"))
            try done(client.query(sql))
            try done(client.query("COMMIT"))
        default: try done(client.query("SELECT 1; \(sql); SELECT 2"))
        }
        board.acknowledge(row, version)
    }

    private func done(
        _ result: (rows: [[String?]], error: ErrorFields?, tags: [String], messages: [WireClient.Message])
    )
        throws
    {
        if let error = result.error { throw ProxyFixture.LoginFailure(error: error.message) }
    }

    /// Each client writes rows of its own and reads them back on the same connection, at once and again.
    func runOwn(seconds: Double) async throws -> Result {
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
        let board = board
        let results = try await ClientThreads.run(writers) { writer -> Result in
            var reader = try FreshnessReader(self, writer, style: styles[writer % 2])
            var result = Result(seconds: seconds)
            while ContinuousClock.now < end {
                let kind = Int.random(in: 0..<Self.kinds.count)
                try reader.write { try write($0, writer, board, kind: kind) }
                result.writes += 1
                for _ in 0..<Int.random(in: 1...40) {
                    let row = (Bool.random() ? kind : Int.random(in: 0..<Self.kinds.count)) * writers + writer
                    reader.read(row, expecting: board.version(row))
                }
            }
            result.reading = reader.reading
            return result
        }
        var sum = Result(seconds: seconds)
        for result in results {
            sum.reading.add(result.reading)
            sum.writes += result.writes
        }
        return sum
    }
}
