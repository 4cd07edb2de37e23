import PostgresWire
import Testing

/// Each desync that a proxy once had is a test here: what PostgreSQL sends is fed message by message.
@Suite("Responses that a server owes")
struct ResponseQueueTests {
    private typealias Verdict = ResponseQueue.Verdict

    private static func ready(
        _ queue: inout ResponseQueue, _ status: TransactionStatus = .idle
    ) -> ResponseQueue.Verdict {
        queue.received(BackendTag.readyForQuery, status: status.rawValue)
    }

    @Test("a simple query ends with ReadyForQuery, not with CommandComplete")
    func simple() {
        var queue = ResponseQueue()
        queue.sent(.query)
        for tag in [
            BackendTag.rowDescription, BackendTag.dataRow, BackendTag.commandComplete, BackendTag.commandComplete,
            BackendTag.emptyQueryResponse,
        ] {
            #expect(queue.received(tag) == Verdict(isForwarded: true))
            #expect(queue.count == 1)
        }
        #expect(Self.ready(&queue) == Verdict(isForwarded: true, isIdle: true))
    }

    @Test("within a transaction the server is not idle, failed or not")
    func transaction() {
        var queue = ResponseQueue()
        for status in [TransactionStatus.inTransaction, .failed] {
            queue.sent(.query)
            #expect(!Self.ready(&queue, status).isIdle)
            #expect(queue.transaction == status && queue.isEmpty && !queue.isIdle)
        }
        queue.sent(.query)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("several Syncs outstanding: idle at the last, not at the first")
    func pipelined() {
        var queue = ResponseQueue()
        for _ in 0..<3 { for request in [ResponseQueue.Request.bind, .execute, .sync] { queue.sent(request) } }
        for round in 0..<3 {
            #expect(queue.received(BackendTag.bindComplete).isForwarded)
            #expect(queue.received(BackendTag.commandComplete).isForwarded)
            #expect(Self.ready(&queue).isIdle == (round == 2))
        }
    }

    @Test("after an error all is skipped to the next Sync, what is sent meanwhile too")
    func skipping() {
        var queue = ResponseQueue()
        queue.sent(.parse, statement: 1)
        queue.sent(.bind)
        let verdict = queue.received(BackendTag.errorResponse)
        #expect(verdict.isForwarded && queue.takeNotPrepared() == [1])
        #expect(queue.isSkipping && queue.isEmpty && !queue.isIdle)
        // The server throws these away.
        queue.sent(.execute)
        queue.sent(.query)
        #expect(queue.isEmpty)
        queue.sent(.sync)
        #expect(Self.ready(&queue).isIdle)
        #expect(!queue.isSkipping)
    }

    @Test("what is sent behind the Sync that ends the skipping counts, before that Sync is answered")
    func behindTheSync() {
        var queue = ResponseQueue()
        queue.sent(.bind)
        #expect(queue.received(BackendTag.errorResponse).isForwarded)
        queue.sent(.sync)
        queue.sent(.query)
        #expect(!Self.ready(&queue).isIdle)
        #expect(queue.received(BackendTag.commandComplete).isForwarded)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("an error whose Sync is under way already skips to that one only")
    func skippingToKnownSync() {
        var queue = ResponseQueue()
        for request in [ResponseQueue.Request.parse, .bind, .execute, .sync, .query] { queue.sent(request) }
        #expect(queue.received(BackendTag.errorResponse).isForwarded)
        #expect(!queue.isSkipping && queue.count == 2)
        #expect(!Self.ready(&queue).isIdle)
        #expect(queue.received(BackendTag.commandComplete).isForwarded)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("an error in a simple query skips nothing")
    func simpleError() {
        var queue = ResponseQueue()
        queue.sent(.query)
        #expect(queue.received(BackendTag.errorResponse) == Verdict(isForwarded: true))
        #expect(!queue.isSkipping)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("answers of our own requests do not reach the client; notices do")
    func own() {
        var queue = ResponseQueue()
        queue.sent(.query, own: true)
        queue.sent(.parse, own: true, statement: 7)
        queue.sent(.bind)
        queue.sent(.sync)
        for tag in [BackendTag.rowDescription, BackendTag.dataRow, BackendTag.commandComplete] {
            #expect(!queue.received(tag).isForwarded)
        }
        #expect(queue.received(BackendTag.noticeResponse).isForwarded)
        #expect(!Self.ready(&queue).isForwarded)
        #expect(queue.received(BackendTag.parseComplete) == Verdict(isForwarded: false, statement: .prepared(7)))
        #expect(queue.received(BackendTag.bindComplete).isForwarded)
        #expect(Self.ready(&queue).isForwarded)
    }

    @Test("an own query that fails is kept from the client; an own Parse that fails is the client's error")
    func ownFailures() {
        var queue = ResponseQueue()
        queue.sent(.query, own: true)
        #expect(!queue.received(BackendTag.errorResponse).isForwarded)
        #expect(!Self.ready(&queue).isForwarded)
        queue.sent(.parse, own: true, statement: 3)
        queue.sent(.bind)
        queue.sent(.sync)
        let verdict = queue.received(BackendTag.errorResponse)
        #expect(verdict.isForwarded && queue.takeNotPrepared() == [3])
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("a Parse that is answered here keeps its turn beside a real one")
    func localParse() {
        var queue = ResponseQueue()
        let isDue = queue.sent(.localParse)
        #expect(isDue && queue.takeReplies() == [BackendTag.parseComplete])
        queue.sent(.parse, statement: 1)
        let isDueNow = queue.sent(.localParse)
        queue.sent(.localClose)
        queue.sent(.bind)
        #expect(!isDueNow && queue.takeReplies().isEmpty)
        #expect(queue.received(BackendTag.parseComplete).hasReplies)
        #expect(queue.takeReplies() == [BackendTag.parseComplete, BackendTag.closeComplete])
        #expect(!queue.received(BackendTag.bindComplete).hasReplies)
    }

    @Test("local answers behind an error are skipped like all others")
    func localParseSkipped() {
        var queue = ResponseQueue()
        queue.sent(.parse, statement: 1)
        queue.sent(.localParse)
        queue.sent(.sync)
        #expect(!queue.received(BackendTag.errorResponse).hasReplies)
        let isDue = Self.ready(&queue)
        #expect(isDue.isIdle && queue.takeReplies().isEmpty)
    }

    @Test("of several statements only those before the error are prepared")
    func statements() {
        var queue = ResponseQueue()
        for number in 1...3 { queue.sent(.parse, statement: Int32(number)) }
        queue.sent(.sync)
        #expect(queue.received(BackendTag.parseComplete).statement == .prepared(1))
        _ = queue.received(BackendTag.errorResponse)
        #expect(queue.takeNotPrepared() == [2, 3])
    }

    @Test("COPY FROM STDIN by Execute: the Sync that came with it is swallowed by the server")
    func copyIn() {
        var queue = ResponseQueue()
        for request in [ResponseQueue.Request.bind, .execute, .sync] { queue.sent(request) }
        #expect(queue.received(BackendTag.bindComplete).isForwarded)
        #expect(queue.received(BackendTag.copyInResponse).isForwarded)
        #expect(queue.isCopyingIn && queue.count == 1)
        queue.sent(.sync)
        #expect(queue.count == 1)
        queue.sentCopyEnd()
        queue.sent(.sync)
        #expect(queue.count == 2)
        #expect(queue.received(BackendTag.commandComplete).isForwarded)
        #expect(!queue.isCopyingIn)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("a COPY that fails before its end: the Sync after CopyDone counts")
    func copyFails() {
        var queue = ResponseQueue()
        queue.sent(.execute)
        #expect(queue.received(BackendTag.copyInResponse).isForwarded)
        #expect(queue.received(BackendTag.errorResponse).isForwarded)
        #expect(queue.isSkipping && !queue.isCopyingIn)
        queue.sentCopyEnd()
        queue.sent(.sync)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("COPY by a simple query ends with ReadyForQuery; more statements may follow in it")
    func simpleCopy() {
        var queue = ResponseQueue()
        queue.sent(.query)
        for tag in [
            BackendTag.copyInResponse, BackendTag.commandComplete, BackendTag.copyOutResponse, BackendTag.copyData,
            BackendTag.copyDone, BackendTag.commandComplete,
        ] { #expect(queue.received(tag).isForwarded) }
        #expect(queue.count == 1 && !queue.isCopyingIn)
        #expect(Self.ready(&queue).isIdle)
    }

    @Test("Describe of a statement gives two messages, of a portal one")
    func describe() {
        var queue = ResponseQueue()
        queue.sent(.describe)
        queue.sent(.describe)
        queue.sent(.execute)
        #expect(queue.received(BackendTag.parameterDescription).isForwarded)
        #expect(queue.count == 3)
        #expect(queue.received(BackendTag.noData).isForwarded)
        #expect(queue.received(BackendTag.rowDescription).isForwarded)
        #expect(queue.count == 1)
        #expect(queue.received(BackendTag.portalSuspended).isForwarded)
        #expect(queue.isEmpty)
    }

    @Test("what comes unasked is the client's and changes nothing")
    func unasked() {
        var queue = ResponseQueue()
        for tag in [
            BackendTag.noticeResponse, BackendTag.parameterStatus, BackendTag.notificationResponse,
            BackendTag.errorResponse,
        ] { #expect(queue.received(tag) == Verdict(isForwarded: true)) }
        #expect(queue.isIdle)
    }

    @Test("a function call is one request with one ReadyForQuery")
    func functionCall() {
        var queue = ResponseQueue()
        queue.sent(.functionCall)
        #expect(queue.received(BackendTag.functionCallResponse).isForwarded)
        #expect(!queue.isIdle)
        #expect(Self.ready(&queue).isIdle)
    }
}
