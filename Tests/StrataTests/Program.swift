import Foundation
import Synchronization
import TestSupport
import Testing

/// The built `strata`, run as a person runs it: arguments, environment, folder, exit code, and the two outputs.
struct Program: Sendable {
    struct Result: Sendable {
        var code: Int32
        /// Ended by a signal, whose number is then in `code`.
        var wasKilled: Bool
        var output: String
        var errors: String
    }

    /// Beside the test bundle.
    static let path = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "strata")

    let folder: URL
    var environment: [String: String] = [:]

    /// Runs the program to its end.
    func run(
        _ arguments: String..., environment more: [String: String] = [:], timeout: TimeInterval = 60,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Result {
        try await start(arguments, environment: more, timeout: timeout).finish(sourceLocation)
    }

    /// Starts the program; it is killed after `timeout` seconds.
    func start(
        _ arguments: [String], environment more: [String: String] = [:], executable: URL = Program.path,
        timeout: TimeInterval = 60
    ) throws -> RunningProgram {
        try RunningProgram(
            executable, arguments, environment: environment.merging(more) { $1 }, folder: folder, timeout: timeout)
    }
}

/// A program that was started. Its outputs go to files, so that it never waits for its reader.
final class RunningProgram: Sendable {
    private struct State {
        var ended = false
        var timedOut = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let process: Process
    private let output: URL
    private let errors: URL
    private let state = Mutex(State())
    private let what: String

    init(
        _ executable: URL, _ arguments: [String], environment: [String: String], folder: URL, timeout: TimeInterval
    ) throws {
        process = Process()
        what = arguments.joined(separator: " ")
        let name = UUID().uuidString
        output = FileManager.default.temporaryDirectory.appending(path: "strata-\(name).out")
        errors = FileManager.default.temporaryDirectory.appending(path: "strata-\(name).err")
        for file in [output, errors] { try Data().write(to: file) }
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        let handles = try [output, errors].map { try FileHandle(forWritingTo: $0) }
        process.standardOutput = handles[0]
        process.standardError = handles[1]
        process.terminationHandler = { [self] process in
            // It holds this object: without the handler nobody holds the two any longer.
            process.terminationHandler = nil
            end()
        }
        try process.run()
        for handle in handles { try handle.close() }
        DispatchQueue.global().asyncAfter(deadline: .now() + timeout) { [weak self] in self?.giveUp() }
    }

    var pid: Int32 { process.processIdentifier }
    var errorsSoFar: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) {
        if !state.withLock({ $0.ended }) { kill(pid, number) }
    }

    /// Waits for the end. No output may show the test server's password.
    func finish(_ sourceLocation: SourceLocation = #_sourceLocation) async throws -> Program.Result {
        await withCheckedContinuation { continuation in
            let ended = state.withLock { state in
                if !state.ended { state.waiters.append(continuation) }
                return state.ended
            }
            if ended { continuation.resume() }
        }
        let result = Program.Result(
            code: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
            output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
        for file in [output, errors] { try? FileManager.default.removeItem(at: file) }
        let secret = try #require(URL(string: TestServer.url())?.password)
        #expect(
            !result.output.contains(secret) && !result.errors.contains(secret), "strata \(what) shows the password",
            sourceLocation: sourceLocation)
        #expect(
            !state.withLock { $0.timedOut }, "strata \(what) took too long: \(result.errors)",
            sourceLocation: sourceLocation)
        return result
    }

    private func end() {
        let waiters = state.withLock { state in
            state.ended = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func giveUp() {
        let late = state.withLock { state in
            if !state.ended { state.timedOut = true }
            return !state.ended
        }
        if late { kill(pid, SIGKILL) }
    }
}
