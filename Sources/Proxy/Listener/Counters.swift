/// What one loop has done for one database since it started.
struct Counters: Sendable, Equatable {
    /// Units: a simple query, or messages up to Sync.
    var units = 0
    /// How often a server became free.
    var transactions = 0
    /// Units that a replica answered.
    var onReplicas = 0
    /// Units that a replica could not answer, and the primary did.
    var movedToPrimary = 0
    /// Errors that are the proxy's own.
    var refusals = 0
    /// Bytes from clients, and to them.
    var received = 0
    var sent = 0
    /// How long clients waited for servers, in nanoseconds, as the other two.
    var waited: Int64 = 0
    /// How long servers belonged to clients.
    var transactionTime: Int64 = 0
    var unitTime: Int64 = 0

    mutating func add(_ other: Counters) {
        units += other.units
        transactions += other.transactions
        onReplicas += other.onReplicas
        movedToPrimary += other.movedToPrimary
        refusals += other.refusals
        received += other.received
        sent += other.sent
        waited += other.waited
        transactionTime += other.transactionTime
        unitTime += other.unitTime
    }
}
