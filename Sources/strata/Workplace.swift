import Engine
import Foundation
import Planning
import PostgresDriver
import SystemPackage

/// The layout and the main database that a command works on.
struct Workplace {
    let options: GlobalOptions
    let environment: [String: String]
    var console: Console { .shared }

    init(_ options: GlobalOptions) {
        self.options = options
        environment = ProcessInfo.processInfo.environment
    }

    // MARK: Layout

    /// Reads and decodes the layout; warnings go to stderr.
    func layout() throws -> Layout {
        let text = try Files.read(options.layout)
        let (layout, warnings) = try Pipeline.decode(text, file: options.layout, environment: environment)
        console.report(warnings.filter { $0.severity == .warning })
        return layout
    }

    /// An error in one line, for what goes on without what failed.
    static func summary(of error: any Error) -> String {
        if let error = error as? PostgresError { return error.message }
        if let error = error as? DiagnosticsError { return error.diagnostics.map(\.message).joined(separator: "; ") }
        return "\(error)"
    }

    /// The layout if the file is there.
    func layoutIfPresent() throws -> Layout? {
        FileManager.default.fileExists(atPath: options.layout) ? try layout() : nil
    }

    // MARK: Database

    /// Connects to `--url`, else to the layout's main database, else to the embedded server, which is started if need be.
    /// Where there is no layout yet, `DATABASE_URL` is asked, which the layout that `init` writes will name.
    func connect(_ layout: Layout?, command: String) async throws -> Connection {
        var settings = try await settings(layout)
        settings = try settings.settings(["application_name": ActorIdentity.current.applicationName(for: command)])
        do {
            return try await Connection.open(settings)
        } catch let error as PostgresError {
            throw DiagnosticsError(Self.connectDiagnostic(error, settings))
        }
    }

    func settings(_ layout: Layout?) async throws -> ConnectionSettings {
        if let url = options.url { return try Self.parse(url, from: "--url") }
        if let database = layout?.databases.first, let url = database.url {
            return try Self.parse(url, from: "databases.\(database.name).url")
        }
        if layout == nil, let url = environment["DATABASE_URL"], !url.isEmpty {
            return try Self.parse(url, from: "DATABASE_URL")
        }
        let server = try await embedded().start()
        if !server.didTakeOver { console.error("started the embedded PostgreSQL \(server.version)\n") }
        return try ConnectionSettings(server.url)
    }

    static func parse(_ url: String, from source: String) throws -> ConnectionSettings {
        do {
            return try ConnectionSettings(url)
        } catch let error as PostgresError {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "connection-string", "\(source) is not a connection string: \(error.message)",
                    nextStep: "write it as postgresql://user@host:5432/database, or as psql takes it"))
        }
    }

    func embedded() -> EmbeddedServer {
        let layout = FilePath(options.layout)
        let folder =
            layout.isAbsolute
            ? layout.removingLastComponent()
            : FilePath(FileManager.default.currentDirectoryPath).appending(layout.removingLastComponent().components)
        return EmbeddedServer(EmbeddedServer.Configuration(directory: folder, environment: environment))
    }

    private static func connectDiagnostic(_ error: PostgresError, _ settings: ConnectionSettings) -> Diagnostic {
        var message =
            error.message.hasPrefix("cannot connect")
            ? error.message : "cannot connect to \(settings): \(error.message)"
        if let detail = error.detail { message += " (\(detail))" }
        return Diagnostic(
            .error, "cannot-connect", message,
            nextStep: error.hint ?? "check host, port, user and database; psql with the same URL must work")
    }

    func say(_ text: String) { console.error(text + "\n") }
}

/// Reading and writing the user's files, bounded.
enum Files {
    /// Layouts and plans; the largest sensible plan (50,000 tables) stays below it.
    static let largest = 512 << 20

    static func read(_ path: String) throws -> String {
        do {
            let url = URL(fileURLWithPath: path)
            let size = try url.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
            guard size <= largest else { throw CocoaError(.fileReadTooLarge) }
            return try String(contentsOf: url, encoding: .utf8)
        } catch { throw FileFailure("read", path, error) }
    }

    static func write(_ text: String, to path: String) throws {
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw FileFailure("write", path, error)
        }
    }
}
