extension Decision {
    /// Too long to be looked at: it may do anything.
    static let tooLong = Decision(
        access: .primary, effects: unread, reason: .tooLong, readsAnything: true, writesAnything: true)
    /// The function call message of the protocol (fastpath), which large objects use.
    static let functionCall = Decision(
        access: .primary, effects: unread, reason: .session("fastpath function call"), writesAnything: true)
    /// What a session has to be asked for after something that could not be read.
    private static let unread: Effects = [.settings, .temporary, .listen, .heldCursor, .advisoryLock, .prepared]
}
