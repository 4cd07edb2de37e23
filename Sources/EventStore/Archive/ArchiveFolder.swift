import Foundation

/// A folder of archived partitions: a file of lines and a manifest for each.
package struct ArchiveFolder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// The folder is there, or is made, and can be written to.
    package func make() throws {
        let missing = Self.missing(path)
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw EventStoreProblem(
                "archive", "cannot make the folder \(path): \(error.localizedDescription)",
                next: "check the path and its rights")
        }
        guard access(path, W_OK | X_OK) == 0 else { throw FileBytes.problem("write to", path) }
        // A file that is on the disk, in a folder that is not, is not on the disk.
        for folder in missing { try FileBytes.syncFolder(of: folder) }
    }

    /// The folder and those that it is in, as far as they are not there.
    private static func missing(_ path: String) -> [String] {
        var missing: [String] = []
        var url = URL(fileURLWithPath: path)
        while url.path != "/", !FileManager.default.fileExists(atPath: url.path) {
            missing.append(url.path)
            url = url.deletingLastPathComponent()
        }
        return missing
    }

    /// Where a partition's lines go; from the second on where others stand under that name already.
    func file(_ partition: String, _ number: Int) -> String {
        URL(fileURLWithPath: path).appending(
            path: number == 1 ? "\(partition).jsonl" : "\(partition).\(number).jsonl"
        ).path
    }

    package struct Entry: Sendable, Hashable {
        package enum State: String, Sendable, Hashable, Codable {
            /// Not looked at.
            case unverified
            case intact
            case missing
            /// Other bytes than were written.
            case differs
        }

        package var manifest: EventManifest
        package var file: String
        package var state: State
    }

    /// All that have a manifest, in the order of their times.
    ///
    /// - Parameter verifies: every file is read as a whole.
    /// - Throws: `EventStoreProblem` where the folder or a manifest cannot be read.
    package func entries(verifies: Bool, onEntry: (Entry) -> Void = { _ in }) async throws -> [Entry] {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path).sorted() } catch {
            throw EventStoreProblem(
                "archive", "cannot read the folder \(path): \(error.localizedDescription)", next: "check the path")
        }
        var entries: [Entry] = []
        for name in names where name.hasSuffix(EventManifest.path(beside: "")) {
            let file = URL(fileURLWithPath: path).appending(
                path: String(name.dropLast(EventManifest.path(beside: "").count))
            ).path
            guard let manifest = try EventManifest.read(beside: file) else { continue }
            var entry = Entry(manifest: manifest, file: file, state: .unverified)
            if verifies { entry.state = try await Self.state(of: file, manifest) }
            entries.append(entry)
            onEntry(entry)
        }
        return entries.sorted { ($0.manifest.from ?? "", $0.file) < ($1.manifest.from ?? "", $1.file) }
    }

    private static func state(of file: String, _ manifest: EventManifest) async throws -> Entry.State {
        guard FileManager.default.fileExists(atPath: file) else { return .missing }
        return try await EventFileReader.tally(of: file) == manifest.tally ? .intact : .differs
    }
}
