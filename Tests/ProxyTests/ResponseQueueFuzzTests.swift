import PostgresWire
import TestSupport
import Testing

/// Legal sequences of requests, answered by a model of PostgreSQL: whatever the proxy puts between and answers itself,
/// the client gets what PostgreSQL alone would have said, and the server counts as idle exactly when it is.
@Suite("Fuzzer: responses that a server owes")
struct ResponseQueueFuzzTests {
    private typealias Request = ResponseQueue.Request

    /// One message to a server, and how it will fare.
    private struct Sent {
        var request: Request
        var isOwn = false
        var fails = false
    }

    /// PostgreSQL's main loop: what it answers to one message after the other.
    private struct Server {
        var isSkipping = false

        mutating func answer(_ sent: Sent) -> [UInt8] {
            if isSkipping, sent.request != .sync { return [] }
            switch sent.request {
            case .sync:
                isSkipping = false
                return [BackendTag.readyForQuery]
            case .query:
                return
                    (sent.fails
                    ? [BackendTag.errorResponse]
                    : [BackendTag.rowDescription, BackendTag.dataRow, BackendTag.commandComplete])
                    + [BackendTag.readyForQuery]
            case .functionCall:
                return [
                    sent.fails ? BackendTag.errorResponse : BackendTag.functionCallResponse, BackendTag.readyForQuery,
                ]
            case .parse, .bind, .describe, .execute, .close, .localParse, .localClose:
                if sent.fails {
                    isSkipping = true
                    return [BackendTag.errorResponse]
                }
                return Self.good(sent.request)
            }
        }

        private static func good(_ request: Request) -> [UInt8] {
            switch request {
            case .parse, .localParse: [BackendTag.parseComplete]
            case .bind: [BackendTag.bindComplete]
            case .describe: [BackendTag.parameterDescription, BackendTag.rowDescription]
            case .execute: [BackendTag.dataRow, BackendTag.noticeResponse, BackendTag.commandComplete]
            default: [BackendTag.closeComplete]
            }
        }
    }

    private static func requests(_ random: inout SeededRandom) -> [Sent] {
        var requests: [Sent] = []
        for _ in 0..<(1 + random.below(5)) {
            switch random.below(6) {
            case 0:
                if random.once(in: 2) { requests.append(Sent(request: .query, isOwn: true)) }
                requests.append(Sent(request: .query, fails: random.once(in: 3)))
            case 1: requests.append(Sent(request: .functionCall, fails: random.once(in: 3)))
            default:
                for _ in 0..<(1 + random.below(6)) {
                    if random.once(in: 5) { requests.append(Sent(request: .parse, isOwn: true)) }
                    let request = random.pick([
                        Request.parse, .bind, .describe, .execute, .close, .localParse, .localClose,
                    ])
                    let isLocal = request == .localParse || request == .localClose
                    requests.append(Sent(request: request, fails: !isLocal && random.once(in: 12)))
                }
                // Mixed, now and then.
                if random.once(in: 6) { requests.append(Sent(request: .query)) }
                requests.append(Sent(request: .sync))
            }
        }
        return requests
    }

    @Test("the client gets what PostgreSQL alone would have said, in any interleaving")
    func sequences() {
        let seed = SeededRandom.seed(for: "fuzzer, response queue")
        let end = ContinuousClock.now + .milliseconds(Int(TestLength.fuzz * 1000))
        var round: UInt64 = 0
        while ContinuousClock.now < end {
            var random = SeededRandom(seed &+ round)
            let requests = Self.requests(&random)
            var alone = Server()
            let wanted = requests.filter { !$0.isOwn }.flatMap { alone.answer($0) }
            let got = Self.play(requests, &random)
            #expect(got.seen == wanted, "seed \(seed &+ round): \(requests)")
            #expect(got.isIdle, "seed \(seed &+ round): \(requests)")
            guard got.seen == wanted, got.isIdle else { break }
            round += 1
        }
        print("fuzzer, response queue: \(round) sequences")
    }

    /// Sends and answers in an order of chance.
    private static func play(_ requests: [Sent], _ random: inout SeededRandom) -> (seen: [UInt8], isIdle: Bool) {
        var queue = ResponseQueue()
        var server = Server()
        var waiting = requests[...]
        var onItsWay: [Sent] = []
        var answers: [UInt8] = []
        var seen: [UInt8] = []
        while !waiting.isEmpty || !onItsWay.isEmpty || !answers.isEmpty {
            switch random.below(3) {
            case 0:
                guard let next = waiting.popFirst() else { continue }
                if queue.sent(next.request, own: next.isOwn) { seen += queue.takeReplies() }
                if next.request != .localParse, next.request != .localClose { onItsWay.append(next) }
            case 1:
                guard !onItsWay.isEmpty else { continue }
                answers += server.answer(onItsWay.removeFirst())
            default:
                guard !answers.isEmpty else { continue }
                let tag = answers.removeFirst()
                let verdict = queue.received(tag, status: TransactionStatus.idle.rawValue)
                if verdict.isForwarded { seen.append(tag) }
                if verdict.hasReplies { seen += queue.takeReplies() }
                if verdict.isIdle, !(onItsWay.isEmpty && answers.isEmpty) { return (seen, false) }
            }
        }
        return (seen, queue.isIdle)
    }
}
