internal import PostgresWire

/// Batches of many statements are sent in parts, each as if the client had put a Flush behind it. So the server works while
/// the client still sends, and the client hears of an error in the first of them before it has sent the last.
extension ClientSession {
    /// Where a batch runs must not depend on what comes later in it: reads wait for its Sync, since a write behind them
    /// would have them run on the primary, and so does everything where schemas live in several databases.
    func maySendAhead(_ part: UnsafeRawBufferPointer) -> Bool {
        guard let database, !database.routesSchemas else { return false }
        if isSkippingToSync || !database.hasReplicas { return true }
        if isOnReplica { return false }
        if let server, !server.queue.isBetweenUnits || server.queue.transaction != .idle { return true }
        return analyse(part, isLarge: false)?.access == .primary
    }

    /// - Returns: false where the part has to wait; it is offered again.
    func sendAhead(_ part: UnsafeRawBufferPointer) -> Bool {
        let unit = [UInt8](part) + [FrontendTag.flush, 0, 0, 0, 4]
        return unit.withUnsafeBytes { dispatch($0, isLarge: false) }
    }
}
