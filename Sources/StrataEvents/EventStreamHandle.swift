import EventStore
public import Foundation

/// One stream: appends, reads, and what consumer groups do.
public struct EventStreamHandle: Sendable {
    let client: EventClient
    public let id: UUID
    public let name: String

    // MARK: Appending

    /// Appends events as a whole or not at all; returns once they are on disk.
    ///
    /// - Parameters:
    ///   - expecting: the version that was decided on.
    ///   - idempotencyKey: the same events under the same key are appended once; 1 to 200 bytes.
    /// - Throws: `EventError`.
    @discardableResult
    public func append(
        _ events: [OutgoingEvent], expecting version: StreamVersion = .any, idempotencyKey: String? = nil
    ) async throws -> Recorded {
        try await client.append([(self, events, version)], idempotencyKey: idempotencyKey)[0]
    }

    @discardableResult
    public func append(
        _ payload: some EventPayload, key: String? = nil, metadata: [String: String] = [:],
        expecting version: StreamVersion = .any, idempotencyKey: String? = nil
    ) async throws -> Recorded {
        try await append(
            [try OutgoingEvent(payload, key: key, metadata: metadata)], expecting: version,
            idempotencyKey: idempotencyKey)
    }

    // MARK: Reading

    /// Events after a position, at most 10,000 or 4 MiB at a time.
    ///
    /// - Returns: the events, and the stream's last position when it was read.
    /// - Throws: `EventError.outOfRange` where they are archived, `notFound`.
    public func read(
        after position: Int = 0, upTo last: Int? = nil, limit: Int = 1_000
    ) async throws -> (events: [RecordedEvent], lastPosition: Int) {
        let slice = try await EventError.told {
            try await client.reader.read(id, of: client.organization, after: position, upTo: last, limit: limit)
        }
        return (slice.events.map { RecordedEvent($0) }, slice.lastPosition)
    }

    /// All events after a position, one after the other, read as they are needed.
    ///
    /// - Parameter follows: does not end with the last one, but waits for what comes.
    public func events(after position: Int = 0, follows: Bool = false) -> EventSequence {
        EventSequence(stream: self, position: position, follows: follows)
    }

    /// Waits until the stream may have events after a position.
    func wait(beyond position: Int) async {
        await client.watch.wait(for: id, beyond: position, atMost: .seconds(20))
    }
}

/// Events of a stream, in order.
public struct EventSequence: AsyncSequence, Sendable {
    let stream: EventStreamHandle
    let position: Int
    let follows: Bool

    public func makeAsyncIterator() -> Iterator { Iterator(stream: stream, position: position, follows: follows) }

    public struct Iterator: AsyncIteratorProtocol {
        let stream: EventStreamHandle
        var position: Int
        let follows: Bool
        private var page: ArraySlice<RecordedEvent> = []
        private var isAtEnd = false

        init(stream: EventStreamHandle, position: Int, follows: Bool) {
            (self.stream, self.position, self.follows) = (stream, position, follows)
        }

        /// - Throws: `EventError`, `CancellationError`.
        public mutating func next() async throws -> RecordedEvent? {
            while page.isEmpty {
                try Task.checkCancellation()
                if isAtEnd {
                    guard follows else { return nil }
                    await stream.wait(beyond: position)
                    try Task.checkCancellation()
                }
                let read = try await stream.read(after: position)
                page = read.events[...]
                isAtEnd = (read.events.last?.position ?? position) >= read.lastPosition
            }
            let event = page.removeFirst()
            position = event.position
            return event
        }
    }
}
