import Dispatch
import Foundation

/// SIGHUP, which tells a program that serves to read its files again.
struct HangupSignal {
    private let source: any DispatchSourceSignal

    /// - Parameter action: for each signal, one after the other is not promised.
    init(_ action: @escaping @Sendable () async -> Void) {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler { Task { await action() } }
        source.resume()
    }

    func cancel() { source.cancel() }
}
