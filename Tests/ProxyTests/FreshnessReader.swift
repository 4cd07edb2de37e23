import PostgresWire

/// A client that reads and judges what it gets.
struct FreshnessReader {
    private let load: FreshnessLoad
    private let style: FreshnessLoad.Style
    private let begin: String
    /// Which of the readers.
    private let number: Int
    private var client: WireClient
    private var prepared: Set<Int> = []
    /// The newest version that this client saw, by row.
    private var seen: [Int: Int] = [:]
    private(set) var reading = FreshnessLoad.Reading()

    init(_ load: FreshnessLoad, _ number: Int, style: FreshnessLoad.Style, begin: String = "BEGIN") throws {
        self.number = number
        self.load = load
        self.style = style
        self.begin = begin
        client = try load.connect()
    }

    /// What this client does besides, on its connection.
    func write(_ body: (WireClient) throws -> Void) throws { try body(client) }

    mutating func read(_ board: FreshnessLoad.Board) {
        let (row, version) = board.pick()
        read(row, expecting: version)
    }

    /// - Parameter version: acknowledged before this is called.
    mutating func read(_ row: Int, expecting version: Int) {
        do {
            let values = try ask(kind: row / load.writers, id: row % load.writers)
            guard let first = values.first, first.count == 2, let value = first[0].flatMap({ Int($0) }) else {
                throw ProxyFixture.LoginFailure(error: "no row came")
            }
            reading.reads += 1
            if first[1] != "\(load.primaryPort)" { reading.onReplicas += 1 }
            if value < version { reading.stale += 1 }
            if value < seen[row] ?? 0 { reading.backwards += 1 }
            seen[row] = value
            load.answered(number, first[1] ?? "")
        } catch {
            reading.failures += 1
            reading.firstFailure = reading.firstFailure ?? "\(error)"
            return connectAgain()
        }
        guard style == .transaction else { return }
        do {
            _ = try rows(client.query("COMMIT"))
        } catch {
            reading.lateFailures += 1
            connectAgain()
        }
    }

    private mutating func connectAgain() {
        prepared = []
        if let next = try? load.connect() { client = next }
    }

    private mutating func ask(kind: Int, id: Int) throws -> [[String?]] {
        let sql = load.prefix + FreshnessLoad.kinds[kind].read(style == .prepared ? "$1" : "\(id)")
        switch style {
        case .simple: return try rows(client.query(sql))
        case .prepared:
            var bytes: [UInt8] = []
            if prepared.insert(kind).inserted { bytes = WireClient.parse("s\(kind)", sql) }
            try client.send(
                bytes + WireClient.bind("", "s\(kind)", ["\(id)"]) + WireClient.execute() + WireClient.sync)
            return try rows(client.results())
        case .transaction:
            _ = try rows(client.query(begin))
            return try rows(client.query(sql))
        }
    }

    private func rows(
        _ result: (rows: [[String?]], error: ErrorFields?, tags: [String], messages: [WireClient.Message])
    ) throws -> [[String?]] {
        if let error = result.error {
            let seen = String(result.messages.map(\.tag))
            throw ProxyFixture.LoginFailure(error: "\(style), \(seen): \(error.code) \(error.message)")
        }
        return result.rows
    }
}
