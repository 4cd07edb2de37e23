import Foundation

/// Runs a piece of work on a thread of its own, with a stack of a chosen size, and waits for it.
enum LargeStack {
    private final class Work {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// A size the system accepts: at least 1 MiB and whole pages.
    static func roundedUp(_ bytes: Int) -> Int {
        (max(bytes, 1 << 20) + 65_535) / 65_536 * 65_536
    }

    /// False when the system has no such thread to give; the work has not run then.
    static func run(bytes: Int, _ body: @escaping @Sendable () -> Void) -> Bool {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        guard pthread_attr_init(attributes) == 0 else { return false }
        defer { pthread_attr_destroy(attributes) }
        guard pthread_attr_setstacksize(attributes, bytes) == 0 else { return false }
        let work = Unmanaged.passRetained(Work(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        guard pthread_create(&thread, attributes, { LargeStack.perform($0) }, work.toOpaque()) == 0 else {
            work.release()
            return false
        }
        #if canImport(Darwin)
            guard let thread else { return false }
        #endif
        return pthread_join(thread, nil) == 0
    }

    private static func perform(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        return nil
    }
}
