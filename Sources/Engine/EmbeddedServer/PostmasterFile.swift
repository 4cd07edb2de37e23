/// What a server says about itself in `postmaster.pid`.
struct PostmasterFile: Equatable {
    /// The process that wrote it.
    let pid: Int32
    /// True for `postgres --single`, which writes its number with a minus.
    let isSingleUser: Bool
    let port: Int?
    let socketFolder: String?
    /// `starting`, `ready`, `standby` or `stopping`; nil while the file is being written.
    let state: String?

    /// Nil when the first line is not a number: an empty or damaged file.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let number = Int32(first.filter { $0 != " " }), number != 0 else { return nil }
        func line(_ index: Int) -> String? {
            guard lines.indices.contains(index) else { return nil }
            let text = String(lines[index]).trimmingSpaces()
            return text.isEmpty ? nil : text
        }
        pid = abs(number)
        isSingleUser = number < 0
        port = line(3).flatMap { Int($0) }
        socketFolder = line(4)
        state = line(7)
    }

    var isReady: Bool { state == "ready" }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        var rest = self[...]
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
