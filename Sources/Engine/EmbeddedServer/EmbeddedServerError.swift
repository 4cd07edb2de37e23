/// Why the embedded server could not be found, made, started or stopped, and what to do about it.
///
/// Neither the message nor the log lines ever hold the generated password.
package struct EmbeddedServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure, for callers that act on it; people read ``message``.
    package enum Code: String, Sendable {
        case noInstallation, unsupportedVersion, otherMajorVersion
        case noServerAccount, folderUnusable, folderOfAnotherUser, folderNotOurs
        case socketFolderUnsafe, invalidSetting, diskFull
        case initFailed, startFailed, stopFailed, timedOut, busy
    }

    package let code: Code
    /// One or two sentences: what failed, and on which folder or program.
    package let message: String
    /// What the reader can do now; an imperative without a final full stop.
    package let nextStep: String
    /// The last lines of the program's or the server's log, oldest first, at most 20.
    package let log: [String]

    package init(_ code: Code, _ message: String, nextStep: String, log: [String] = []) {
        self.code = code
        self.message = message
        self.nextStep = nextStep
        self.log = Array(log.suffix(20))
    }

    package var description: String {
        let lines = log.map { "\n  | \($0)" }.joined()
        return "\(message)\(lines)\ntry: \(nextStep)"
    }
}

extension EmbeddedServerError {
    /// The failure that a program's or the server's own words point to, where they are clear; else `fallback`.
    static func explaining(
        _ output: String, in folder: String, or fallback: Code, _ message: String, nextStep: String
    ) -> EmbeddedServerError {
        let log = output.split(whereSeparator: \.isNewline).map(String.init)
        if output.contains("No space left on device") || output.contains("Disk quota exceeded") {
            return EmbeddedServerError(
                .diskFull, "\(message): there is no space left for \(folder)",
                nextStep: "free some space on that file system (df -h shows it), then start again", log: log)
        }
        if output.contains("Read-only file system") || output.contains("Permission denied") {
            return EmbeddedServerError(
                .folderUnusable, "\(message): the server may not read or write what it needs in \(folder)",
                nextStep: "check owner and mode of that folder and of the files that the log names", log: log)
        }
        return EmbeddedServerError(fallback, message, nextStep: nextStep, log: log)
    }
}
