import Foundation
import Planning

/// Where text goes: results to stdout, everything else to stderr; colour and progress only on a terminal.
struct Console: Sendable {
    let outputStyle: TextStyle
    let errorStyle: TextStyle
    let errorIsTerminal: Bool
    let inputIsTerminal: Bool

    static let shared = Console(environment: ProcessInfo.processInfo.environment)

    init(environment: [String: String]) {
        let mayColour = environment["NO_COLOR"]?.isEmpty ?? true && environment["TERM"] != "dumb"
        let width = Self.width(environment)
        outputStyle = TextStyle(colour: mayColour && isatty(STDOUT_FILENO) == 1, width: width)
        errorStyle = TextStyle(colour: mayColour && isatty(STDERR_FILENO) == 1, width: width)
        errorIsTerminal = isatty(STDERR_FILENO) == 1
        inputIsTerminal = isatty(STDIN_FILENO) == 1
    }

    /// Of the terminal, else 80; never beyond 120, where lines become hard to read.
    private static func width(_ environment: [String: String]) -> Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return min(Int(size.ws_col), 120) }
        return environment["COLUMNS"].flatMap { Int($0) }.map { min(max($0, 40), 120) } ?? 80
    }

    func output(_ text: String) { write(text, to: STDOUT_FILENO) }
    func error(_ text: String) { write(text, to: STDERR_FILENO) }

    func report(_ diagnostics: [Diagnostic]) {
        guard !diagnostics.isEmpty else { return }
        error(DiagnosticText(colour: errorStyle.colour, width: errorStyle.width).render(diagnostics))
    }

    /// Asks a yes-or-no question on a terminal; false without one.
    func confirm(_ question: String) -> Bool {
        guard inputIsTerminal, errorIsTerminal else { return false }
        error("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        return answer == "y" || answer == "yes"
    }

    private func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return
            }
            bytes = bytes.dropFirst(written)
        }
    }
}
