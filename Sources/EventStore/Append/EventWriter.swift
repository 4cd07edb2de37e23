package import PostgresDriver
import Synchronization

/// Appends. Requests that arrive together share a transaction; each is answered after its COMMIT, and what is acknowledged is
/// on the server's disk as far as its `synchronous_commit` says.
package final class EventWriter: Sendable {
    private typealias Queue = AppendQueue<CheckedContinuation<[AppendedPart], any Error>>

    private let schema: EventSchema
    private let pool: ConnectionPool
    private let statement: String
    /// Under a lock, for an actor would be one more way to an executor and back for each request.
    private let queue: Mutex<Queue>
    /// Of each lane.
    private let moments: [Moment]
    /// Called after each commit, with the streams that have grown.
    private let onAppend: @Sendable ([AppendedPart]) -> Void

    /// Largest request: events, and bytes of payloads and metadata.
    package static let largestRequest = (events: 10_000, bytes: 16 << 20)

    private static let moment = Duration.milliseconds(1)
    private static let mostMoments = 3

    /// - Parameter lanes: calls at a time, each on a connection of its own; 1 to 64.
    package init(
        _ settings: ConnectionSettings, schema: EventSchema, lanes: Int = 4,
        onAppend: @escaping @Sendable ([AppendedPart]) -> Void = { _ in }
    ) {
        let count = min(max(lanes, 1), 64)
        self.schema = schema
        self.onAppend = onAppend
        pool = ConnectionPool(settings, size: count, bounds: PoolBounds(discards: false))
        statement = AppendCall.statement(schema)
        queue = Mutex(Queue(Queue.Limits(lanes: count)))
        moments = (0..<count).map { _ in Moment() }
    }

    package func close() async { await pool.close() }

    /// How many requests wait for a call that is under way.
    package var waitingRequests: Int { queue.withLock { $0.waitingRequests } }

    /// - Returns: for each part what it has got.
    /// - Throws: `AppendRefusal` where nothing was appended (but for `unknownOutcome`), `PostgresError` where the server could
    ///   not be asked.
    package nonisolated(nonsending) func append(_ request: AppendRequest) async throws -> [AppendedPart] {
        try check(request)
        return try await withCheckedThrowingContinuation { continuation in
            let (arrival, isComplete) = queue.withLock { queue in
                let arrival = queue.add(request, continuation)
                guard case .waits(let lane) = arrival else { return (arrival, false) }
                return (arrival, !queue.isGathering(lane: lane))
            }
            switch arrival {
            case .waits(let lane): if isComplete { moments[lane].end() }
            case .refused: continuation.resume(throwing: AppendRefusal.tooMany)
            case .gather(let lane): Task { await work(await next(lane), lane) }
            case .send(let entries, let lane): Task { await work(entries, lane) }
            }
        }
    }

    private func check(_ request: AppendRequest) throws {
        let streams = Set(request.parts.map(\.stream))
        if request.parts.isEmpty || request.parts.contains(where: \.events.isEmpty) {
            throw AppendRefusal.invalid("there are no events to append")
        }
        if streams.count != request.parts.count {
            throw AppendRefusal.invalid("a stream comes twice in one request: put its events together")
        }
        if let key = request.idempotencyKey, !(1...200).contains(key.utf8.count) || key.utf8.contains(0) {
            throw AppendRefusal.invalid("an idempotency key has 1 to 200 bytes")
        }
        for part in request.parts {
            if case .exact(let position) = part.expected, position < 0 {
                throw AppendRefusal.invalid("an expected version is 0 or more")
            }
            for event in part.events {
                guard (1...200).contains(event.type.utf8.count), event.key?.utf8.count ?? 0 <= 1_000,
                    !event.type.utf8.contains(0), event.key?.utf8.contains(0) != true
                else { throw AppendRefusal.invalid("an event's type has 1 to 200 bytes, its key at most 1,000") }
            }
        }
        if request.eventCount > Self.largestRequest.events || request.byteCount > Self.largestRequest.bytes {
            throw AppendRefusal.invalid(
                "a request has at most \(Self.largestRequest.events) events and \(Self.largestRequest.bytes >> 20) MiB")
        }
    }

    /// One call after the other, until nothing waits in the lane.
    private func work(_ first: [Queue.Entry]?, _ lane: Int) async {
        var entries = first
        while let sent = entries {
            let answers = await answers(sent.map(\.request))
            for (entry, answer) in zip(sent, answers) { entry.ticket.resume(with: answer) }
            queue.withLock { $0.answered(sent, lane: lane) }
            entries = await next(lane)
        }
    }

    /// What goes together: when as many wait as may be expected, or nobody came in the last moment, or it has been long enough.
    private func next(_ lane: Int) async -> [Queue.Entry]? {
        for _ in 0..<Self.mostMoments {
            let (before, isGathering) = queue.withLock { ($0.waitingRequests(lane: lane), $0.isGathering(lane: lane)) }
            guard isGathering else { break }
            await moments[lane].wait(Self.moment)
            if queue.withLock({ $0.waitingRequests(lane: lane) }) == before { break }
        }
        return queue.withLock { $0.finished(lane: lane) }
    }

    private func answers(_ requests: [AppendRequest]) async -> [Result<[AppendedPart], any Error>] {
        do {
            let answers = try await call(requests)
            onAppend(answers.flatMap { (try? $0.get())?.filter { !$0.isRepeated } ?? [] })
            return answers.map { $0.mapError { $0 } }
        } catch let error as PostgresError where error.isConnectionLost {
            return await afterLoss(requests, error)
        } catch is PostgresError where requests.count > 1 {
            // One of them the server cannot take: each for itself, so that it is refused alone.
            var answers: [Result<[AppendedPart], any Error>] = []
            for request in requests { answers += await self.answers([request]) }
            return answers
        } catch {
            return requests.map { _ in .failure(error) }
        }
    }

    /// Nobody knows whether it was committed. Those with an idempotency key find out by asking again.
    private func afterLoss(
        _ requests: [AppendRequest], _ error: PostgresError
    ) async -> [Result<[AppendedPart], any Error>] {
        if error.wasBeforeTheCall { return requests.map { _ in .failure(error) } }
        var answers: [Result<[AppendedPart], any Error>] = []
        for request in requests {
            guard request.idempotencyKey != nil else {
                answers.append(.failure(AppendRefusal.unknownOutcome))
                continue
            }
            do {
                let answer = try await call([request])[0]
                onAppend((try? answer.get()) ?? [])
                answers.append(answer.mapError { $0 })
            } catch {
                answers.append(.failure(AppendRefusal.unknownOutcome))
            }
        }
        return answers
    }

    /// Again where two calls stood in each other's way, and once more when the partition of the day has been made.
    private func call(_ requests: [AppendRequest]) async throws -> [Result<[AppendedPart], AppendRefusal>] {
        let call = AppendCall(requests)
        let parameters = call.parameters
        var (attempts, hasPartition) = (0, false)
        while true {
            attempts += 1
            do {
                return try call.answers(try await pool.query(keeping: statement, parameters))
            } catch let error as PostgresError where error.isRetryable && attempts < 5 {
                continue
            } catch let error as PostgresError where error.isMissingPartition && !hasPartition {
                hasPartition = true
                _ = try await pool.withConnection { try await $0.query("SELECT \(schema.schema).make_partitions(1)") }
            }
        }
    }
}

extension PostgresError {
    /// PostgreSQL says so by a check violation without a constraint.
    fileprivate var isMissingPartition: Bool { sqlState == "23514" && constraint == nil }

    /// The connection could not be opened: nothing was carried.
    fileprivate var wasBeforeTheCall: Bool {
        switch connectionFailure {
        case .lost, .closed, nil: false
        default: true
        }
    }
}
