import Foundation
import Subprocess
import SystemPackage
import Testing

@testable import Engine

let isRoot = geteuid() == 0

/// A temporary folder that goes away with whatever server was started in it.
struct EmbeddedServerFixture {
    let folder: FilePath
    /// The variables of this process without those that would change what is tested.
    let environment: [String: String]

    static func with(
        _ body: (EmbeddedServerFixture) async throws -> Void
    ) async throws {
        let folder = FilePath("/tmp/strata-test-\(Files.randomName(10))")
        try Files.makeFolder(folder.string, mode: 0o755)
        var environment = ProcessInfo.processInfo.environment
        for name in ["STRATA_PG_BINDIR", "STRATA_PG_USER", "XDG_RUNTIME_DIR"] { environment[name] = nil }
        let fixture = EmbeddedServerFixture(folder: folder, environment: environment)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(fixture))
        } catch {
            result = .failure(error)
        }
        try await fixture.cleanUp()
        try result.get()
    }

    /// A server that is not durable, and its directory, which is made when it is not there.
    func server(
        in name: String = "project", settings: [String: String] = [:], environment changes: [String: String] = [:]
    ) throws -> EmbeddedServer {
        let directory = folder.appending(name)
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let all = environment.merging(changes) { $1 }
        let ephemeral = EmbeddedServer.ephemeral(in: directory, environment: all, settings: settings)
        var configuration = ephemeral.configuration
        configuration.sharedFolder = folder.appending("shared")
        return EmbeddedServer(configuration)
    }

    func site(_ server: EmbeddedServer) async throws -> ServerSite {
        try await ServerSite.resolve(
            directory: server.configuration.directory, sharedFolder: server.configuration.sharedFolder,
            environment: server.configuration.environment)
    }

    /// Ends the processes whose cluster is below the folder, found by the files that the servers wrote.
    private func cleanUp() async throws {
        for case let path as String in FileManager.default.enumerator(atPath: folder.string) ?? .init() {
            guard path.hasSuffix("/data/PG_VERSION") else { continue }
            let home = FilePath(folder.string + "/" + path).removingLastComponent().removingLastComponent()
            guard let owner = Files.entry(home.appending("data").string)?.owner,
                let account = ServerAccount.find(id: owner)
            else { continue }
            let site = ServerSite(home: home, account: account, environment: environment)
            _ = try await ServerStop(site: site, mode: .immediate, timeout: .seconds(20)).run()
            _ = try await site.shell("rm -rf -- \"$1\"", [SocketFolder.path(for: site).string])
        }
        try FileManager.default.removeItem(atPath: folder.string)
    }
}

private let installed = Task { try await PostgresInstallation.find(environment: ProcessInfo.processInfo.environment) }

/// Runs statements through psql, one answer a line.
@discardableResult
func psql(_ url: String, _ statement: String, passfile: String? = nil) async throws -> String {
    let programs = try await installed.value.programs
    let result = try await Subprocess.run(
        .path(programs.appending("psql")), arguments: ["-XAtqw", "-v", "ON_ERROR_STOP=1", url, "-c", statement],
        environment: passfile.map { .inherit.updating(["PGPASSFILE": $0]) } ?? .inherit,
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    guard result.terminationStatus.isSuccess else { throw PsqlFailure(message: result.standardError) }
    return result.standardOutput.trimmingCharacters(in: .newlines)
}

struct PsqlFailure: Error { let message: String }

/// The error that an expression throws; records an issue when it throws none.
func serverError(
    _ body: () async throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation
) async -> EmbeddedServerError? {
    do {
        let value = try await body()
        Issue.record("no error, but \(value)", sourceLocation: sourceLocation)
    } catch let error as EmbeddedServerError {
        return error
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

/// Waits until a condition holds; records an issue when it does not within 30 s.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("never: \(what)", sourceLocation: sourceLocation)
}

/// A program that is a shell script.
func writeScript(_ text: String, to path: FilePath) throws {
    try FileManager.default.createDirectory(
        atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
    try Files.write("#!/bin/sh\n" + text + "\n", to: path.string, mode: 0o755)
}
