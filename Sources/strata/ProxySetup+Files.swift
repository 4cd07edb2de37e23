import Foundation
import Planning
import Proxy

/// The files that `routing` names, beside the layout. They are looked at before the proxy starts, so that what is wrong
/// is said with the key of the layout that it comes from.
struct ProxyFiles {
    private let folder: URL
    private let console: Console

    /// - Parameter layout: its path.
    init(layout: String, console: Console) {
        folder = URL(fileURLWithPath: layout).deletingLastPathComponent()
        self.console = console
    }

    func users(_ routing: Routing) throws -> Users {
        guard let file = routing.authUsersFile else { return .everybody }
        let path = try readable(
            file, "users", routing.place, next: "write one line for each user: \"name\" \"SCRAM verifier or password\"")
        return try Users(file: path)
    }

    func tls(_ routing: Routing) throws -> ProxyConfiguration.TLS? {
        guard let tls = routing.tls else { return nil }
        let next = "make one, or correct the path; it is relative to the folder of the layout"
        let certificate = try readable(tls.certificate, "certificate", tls.place, next: next)
        let key = try readable(tls.key, "key", tls.place, next: next)
        warnIfOpen(key, tls)
        var made = ProxyConfiguration.TLS(certificate: certificate, key: key)
        made.authorities = try tls.authorities.map { try readable($0, "authorities", tls.place, next: next) }
        made.isRequired = tls.isRequired
        return made
    }

    /// - Returns: its path, seen from where the program runs.
    private func readable(_ file: String, _ key: String, _ place: SourcePlace, next: String) throws -> String {
        let path = file.hasPrefix("/") ? file : folder.appending(path: file).path
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard !exists || isFolder.boolValue || !FileManager.default.isReadableFile(atPath: path) else { return path }
        let reason =
            !exists ? "there is no such file" : isFolder.boolValue ? "it is a folder" : "permission denied"
        throw DiagnosticsError(
            Diagnostic(
                .error, "\(key)-file", "cannot read \(path), the `\(key)` of the layout: \(reason)", place: place,
                nextStep: next))
    }

    /// PostgreSQL would not start with such a key.
    private func warnIfOpen(_ path: String, _ tls: Routing.TLS) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o077 & ~0o040 != 0 else { return }
        console.report([
            Diagnostic(
                .warning, "open-key", "everybody on this machine may use the key \(path)", place: tls.place,
                nextStep: "chmod 600 \(path)")
        ])
    }
}
