import Foundation

/// Bytes between two pages that nobody may touch: whoever reads before or behind them ends the process.
final class GuardedBytes {
    private let page: Int
    private let room: Int
    private let base: UnsafeMutableRawPointer

    struct NoMemory: Error {}

    /// - Parameter capacity: the most that is ever put here.
    init(capacity: Int) throws {
        page = sysconf(Int32(_SC_PAGESIZE))
        room = (capacity + page - 1) / page * page
        let mapped = mmap(nil, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED, mprotect(mapped + page, room, PROT_READ | PROT_WRITE) == 0 else {
            throw NoMemory()
        }
        base = mapped
    }

    deinit { munmap(base, room + 2 * page) }

    /// The bytes right before the end, and then right at the beginning.
    func withBytes(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let bytes = bytes.prefix(room)
        for start in [base + page + room - bytes.count, base + page] {
            let place = UnsafeMutableRawBufferPointer(start: start, count: bytes.count)
            place.copyBytes(from: bytes)
            try body(UnsafeRawBufferPointer(place))
        }
    }
}
