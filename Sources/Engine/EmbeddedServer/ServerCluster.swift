import SystemPackage

/// What a start asks and writes of the cluster in its place.
extension ServerSite {
    /// Nil when the file is not there or not a number.
    var clusterMajor: Int? {
        Files.read(data.appending("PG_VERSION").string, limit: 64)
            .flatMap { PostgresVersion(number: $0)?.major }
    }

    /// Nil when there is no cluster.
    /// - Throws: `.folderNotOurs` when the data folder holds something that Strata did not finish, or is damaged.
    func majorOfExistingCluster() throws -> Int? {
        guard let entry = Files.entry(data.string) else { return nil }
        if entry.isFolder, isFinished, let major = clusterMajor { return major }
        if entry.isFolder, Files.names(in: data.string).isEmpty, Files.removeEmptyFolder(data.string) { return nil }
        throw EmbeddedServerError(
            .folderNotOurs, "\(data) holds something, but not a whole cluster made by Strata; it is left as it is",
            nextStep: "look into it; to begin with an empty server, move it away")
    }

    func write(_ settings: ServerSettings) throws {
        do {
            // No secrets in it, and the server's user reads it.
            try Files.write(settings.rendered(), to: settingsFile.string, mode: 0o644)
        } catch let error as Errno {
            throw unwritable(settingsFile, error)
        }
    }

    func startFailure(_ log: [String]) -> EmbeddedServerError {
        let text = log.joined(separator: "\n")
        let nextStep =
            text.contains("configuration file") || text.contains("configuration parameter")
                || text.contains("invalid value for parameter")
            ? "correct the setting that the log names, then start again"
            : "see the log above, the whole of it in \(logFolder)"
        return .explaining(
            text, in: data.string, or: .startFailed, "the server in \(data) did not start", nextStep: nextStep)
    }

    /// Deletes the cluster, the home and the socket's folder. The server must be stopped.
    func removeEverything(socketFolder: String) async throws {
        try await ClusterCreation.remove(data, self)
        for name in Files.names(in: home.string) where name.hasPrefix("new-") {
            let staging = home.appending(name)
            try await ClusterCreation.remove(staging.appending("data"), self)
            for file in Files.names(in: staging.string) { Files.removeFile(staging.appending(file).string) }
            Files.removeEmptyFolder(staging.string)
        }
        _ = try await shell("rm -f -- \"$1\"/.s.PGSQL.*; rmdir -- \"$1\"", [socketFolder])
        for name in Files.names(in: home.string) where name != "lock" { Files.removeFile(home.appending(name).string) }
        Files.removeFile(lockFile.string)
        guard Files.removeEmptyFolder(home.string) else {
            throw EmbeddedServerError(
                .folderUnusable, "\(home) could not be deleted: \(Files.names(in: home.string)) remain",
                nextStep: "delete it by hand")
        }
        // Only when nothing else of Strata's is in it.
        Files.removeEmptyFolder(home.removingLastComponent().string)
    }
}
