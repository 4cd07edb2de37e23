internal import PostgresWire

/// A unit that a replica works on, kept so that another server can be asked where the replica fails.
struct ReplayUnit {
    private var bytes: [UInt8] = []
    private var isKept = false
    /// Answers that only say that a statement was parsed or bound, and of what form its rows will be. They wait for the
    /// first that says more: once the client has had some of them, nobody else could answer the unit.
    private(set) var held: [UInt8] = []
    /// Nothing of the answer has gone to the client yet. Only where a Sync makes sure that something will.
    private(set) var holdsBack = false

    mutating func keep(_ unit: UnsafeRawBufferPointer, holdsBack: Bool) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= 65_536)
        bytes.append(contentsOf: unit)
        isKept = true
        self.holdsBack = holdsBack
        held.removeAll(keepingCapacity: true)
    }

    var isEmpty: Bool { !isKept }

    /// - Returns: nil: there is nothing to ask again.
    mutating func take() -> [UInt8]? {
        guard isKept else { return nil }
        reset()
        return bytes
    }

    /// It has been answered. What is held goes out with the end of the answer, which comes now.
    mutating func answered() { isKept = false }

    /// For another client.
    mutating func reset() {
        isKept = false
        holdsBack = false
        held.removeAll(keepingCapacity: true)
    }

    /// - Parameter answers: whole messages, but for rows.
    /// - Returns: false where they say more than that; then everything is to be released.
    mutating func hold(_ answers: UnsafeRawBufferPointer) -> Bool {
        guard held.count + answers.count <= Self.most else { return false }
        var offset = 0
        while offset < answers.count {
            guard Self.saysLittle(answers[offset]),
                case .header(let header) = FrameHeader.read(UnsafeRawBufferPointer(rebasing: answers[offset...]))
            else { return false }
            offset += header.frameCount
        }
        held.append(contentsOf: answers)
        return true
    }

    /// Bytes. 1,600 columns with long names are less.
    private static let most = 262_144

    private static func saysLittle(_ tag: UInt8) -> Bool {
        switch tag {
        case BackendTag.parseComplete, BackendTag.bindComplete, BackendTag.closeComplete, BackendTag.noData,
            BackendTag.parameterDescription, BackendTag.rowDescription:
            true
        default: false
        }
    }

    mutating func hold(_ tag: UInt8) { held.append(contentsOf: [tag, 0, 0, 0, 4]) }

    mutating func release() -> [UInt8] {
        holdsBack = false
        defer { held.removeAll(keepingCapacity: true) }
        return held
    }
}

extension ServerConnection {
    /// From now on answers go to the client as they come.
    func releaseHeld(to client: ClientSession) {
        guard replay.holdsBack else { return }
        let held = replay.release()
        guard !held.isEmpty else { return }
        hasForwarded = true
        client.stream.write(held)
    }

    /// Its node does not answer any more. What has been answered in part can only wait; the rest goes elsewhere, as if
    /// the connection had been lost.
    func abandon() {
        guard client == nil || ownQuery != nil || !queue.isEmpty && !hasForwarded && !replay.isEmpty else { return }
        stream.end()
    }
}
