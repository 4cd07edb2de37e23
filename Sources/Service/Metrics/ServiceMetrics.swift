import HTTPTypes
import Hummingbird
import Planning
import Synchronization

/// Counts what the service does. Nobody's names or data are in it; those of groups are `GroupMetrics`.
final class ServiceMetrics: Sendable {
    private struct Tally {
        var statuses: [Int: Int] = [:]
        var counts = Array(repeating: 0, count: ServiceMetrics.bounds.count + 1)
        var time = Duration.zero
    }

    private struct State {
        var tallies: [String: Tally] = [:]
        var underWay = 0
        var appended = 0
        var delivered = 0
    }

    private let state = Mutex(State())

    static let bounds: [Duration] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000].map {
        .milliseconds($0)
    }

    /// Runs an endpoint; what it throws is counted as what it is answered with.
    func measure(_ endpoint: Endpoint, _ body: () async throws -> Response) async rethrows -> Response {
        let start = ContinuousClock.now
        state.withLock { $0.underWay += 1 }
        do {
            let response = try await body()
            note(endpoint, response.status.code, ContinuousClock.now - start)
            return response
        } catch {
            note(endpoint, Problem(error).kind.status.code, ContinuousClock.now - start)
            throw error
        }
    }

    private func note(_ endpoint: Endpoint, _ status: Int, _ time: Duration) {
        let place = Self.bounds.firstIndex { time <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.underWay -= 1
            state.tallies[endpoint.id, default: Tally()].statuses[status, default: 0] += 1
            state.tallies[endpoint.id]?.counts[place] += 1
            state.tallies[endpoint.id]?.time += time
        }
    }

    func appended(_ events: Int) { state.withLock { $0.appended += events } }
    func delivered(_ events: Int) { state.withLock { $0.delivered += events } }

    /// - Parameters:
    ///   - waitingAppends: requests that wait for a call that is under way.
    ///   - waitingReaders: polls and reads that wait for events.
    ///   - groups: what comes behind all that.
    func text(version: String, waitingAppends: Int, waitingReaders: Int, groups: [MetricFamily] = []) -> String {
        let state = state.withLock { $0 }
        var info = MetricFamily("info", .gauge, "The version that runs.")
        info.add(1, ("version", version))
        var requests = MetricFamily("http_requests_total", .counter, "Requests, by operation and status.")
        var times = MetricFamily("http_request_seconds", .histogram, "How long they took, waiting for events included.")
        for (id, tally) in state.tallies.sorted(by: { $0.key < $1.key }) {
            for (status, count) in tally.statuses.sorted(by: { $0.key < $1.key }) {
                requests.add(count, ("operation", id), ("status", "\(status)"))
            }
            times.add(tally.counts, bounds: Self.bounds, sum: tally.time, ("operation", id))
        }
        var underWay = MetricFamily("http_requests_under_way", .gauge, "Requests that are not answered yet.")
        underWay.add(state.underWay)
        var appended = MetricFamily("appended_total", .counter, "Events that were appended.")
        appended.add(state.appended)
        var delivered = MetricFamily("delivered_total", .counter, "Events that polls have given to members.")
        delivered.add(state.delivered)
        var appends = MetricFamily("appends_waiting", .gauge, "Appends that wait for a call that is under way.")
        appends.add(waitingAppends)
        var readers = MetricFamily("readers_waiting", .gauge, "Polls and reads that wait for events.")
        readers.add(waitingReaders)
        return MetricFamily.text(
            [info, requests, times, underWay, appended, delivered, appends, readers] + groups, prefix: "strata_events_")
    }
}
