package import SystemPackage

/// A private PostgreSQL server that Strata starts from the installed programs.
///
/// One server belongs to one directory, usually that of the layout; ``ServerSite`` says where its files are and which
/// user it runs as. The socket's folder lets in that user and root without a password; TCP on 127.0.0.1 asks for the
/// generated one. The superuser and the first database are both called `strata`. The server goes on running when the
/// program that started it ends; the next ``start()``, from whichever program, takes it over.
///
/// Everything throws ``EmbeddedServerError``, or `CancellationError` when the task is cancelled.
package struct EmbeddedServer: Sendable {
    /// What to start, and how.
    package struct Configuration: Sendable {
        /// The folder that the server belongs to; it must exist.
        package var directory: FilePath
        /// `STRATA_PG_BINDIR`, `STRATA_PG_USER`, `PATH`, `XDG_RUNTIME_DIR` and `TZ` count; `PG*` variables do not.
        package var environment: [String: String]
        /// False for tests: faster, but a crash of the machine loses data. Takes effect at a start.
        package var durable = true
        /// Further settings of PostgreSQL by name, put into `strata.conf`. Take effect at a start.
        package var settings: [String: String] = [:]
        /// How long a start may take, without making the cluster. Default 60 s.
        package var startTimeout = Duration.seconds(60)
        /// How long a stop may take. Default 60 s.
        package var stopTimeout = Duration.seconds(60)
        /// Where a server of root is kept whose user cannot enter `directory`. Default `/var/lib/strata`.
        package var sharedFolder: FilePath = "/var/lib/strata"
        /// Below which folder the usual places of installations are; only tests change it.
        package var systemRoot: FilePath = "/"
        /// Gives the port to try; only tests change it.
        package var pickPort: @Sendable () throws -> Int = { try FreePort.pick() }
        var isEphemeral = false

        package init(directory: FilePath, environment: [String: String]) {
            self.directory = directory
            self.environment = environment
        }
    }

    package let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// A server for tests: not durable, and removed by ``destroy()``.
    /// - Parameters:
    ///   - directory: an existing temporary folder of the caller's. As root, make it one that others can enter (0755).
    ///   - settings: further settings of PostgreSQL by name.
    package static func ephemeral(
        in directory: FilePath, environment: [String: String], settings: [String: String] = [:]
    ) -> EmbeddedServer {
        var configuration = Configuration(directory: directory, environment: environment)
        configuration.durable = false
        configuration.settings = settings
        configuration.isEphemeral = true
        return EmbeddedServer(configuration)
    }

    /// Starts the server, makes its cluster first where there is none, or takes over the one that runs.
    package func start() async throws -> RunningServer {
        try ServerSettings.check(configuration.settings)
        let site = try await resolveSite()
        try site.prepareHome()
        return try await StartLock.hold(site, timeout: configuration.startTimeout * 2 + ClusterCreation.timeout) {
            if let running = try await takeOver(site) { return running }
            try await ClusterCreation.recover(site)
            let installation = try await prepareCluster(site)
            try await site.endOrphans(timeout: configuration.stopTimeout)
            try await site.clearStaleFiles(socketFolder: SocketFolder.path(for: site).string)
            if Files.entry(site.passfile.string) == nil {
                try await creation(site, installation).replaceLostPassword()
            }
            return try await launch(site, installation)
        }
    }

    /// Stops the server and waits until it is gone.
    /// - Returns: false when none was running.
    @discardableResult
    package func stop(mode: StopMode = .fast) async throws -> Bool {
        let site = try await resolveSite()
        guard Files.entry(site.data.string) != nil else { return false }
        return try await StartLock.hold(site, timeout: configuration.stopTimeout) {
            try await ServerStop(site: site, mode: mode, timeout: configuration.stopTimeout).run()
        }
    }

    /// Looks, and changes nothing.
    package func status() async throws -> ServerStatus {
        let site = try await resolveSite()
        guard site.isFinished else { return .absent(dataFolder: site.data) }
        guard let file = try await site.livePostmaster() else {
            return .stopped(
                dataFolder: site.data, majorVersion: site.clusterMajor, afterCrash: site.postmasterFile() != nil)
        }
        guard file.isReady, let running = running(file, site, didTakeOver: true) else {
            return .changing(pid: file.pid, state: file.state ?? "starting", dataFolder: site.data)
        }
        return .running(running)
    }

    /// Stops an ephemeral server at once and deletes all its files. Nothing happens where there is none.
    /// - Throws: `.folderUnusable` for a server that is not ephemeral, or when files remain.
    package func destroy() async throws {
        guard configuration.isEphemeral else {
            throw EmbeddedServerError(
                .folderUnusable, "only a server made by EmbeddedServer.ephemeral is deleted",
                nextStep: "stop it instead")
        }
        let site = try await resolveSite()
        guard Files.entry(site.home.string) != nil else { return }
        let socketFolder = site.postmasterFile()?.socketFolder ?? SocketFolder.path(for: site).string
        try await StartLock.hold(site, timeout: configuration.stopTimeout) {
            _ = try await ServerStop(site: site, mode: .immediate, timeout: configuration.stopTimeout).run()
            try await site.removeEverything(socketFolder: socketFolder)
        }
    }

    private func resolveSite() async throws -> ServerSite {
        try await ServerSite.resolve(
            directory: configuration.directory, sharedFolder: configuration.sharedFolder,
            environment: configuration.environment)
    }

    private func creation(_ site: ServerSite, _ installation: PostgresInstallation) -> ClusterCreation {
        ClusterCreation(site: site, installation: installation, durable: configuration.durable)
    }

    private func running(_ file: PostmasterFile, _ site: ServerSite, didTakeOver: Bool) -> RunningServer? {
        guard let port = file.port else { return nil }
        let started = Files.read(site.settingsFile.string).flatMap(ServerSettings.version(in:))
        let version = started ?? PostgresVersion(major: site.clusterMajor ?? 0, minor: 0)
        return RunningServer(file, port: port, site: site, version: version, didTakeOver: didTakeOver)
    }

    /// The server that runs already, once it takes connections; nil when there is none.
    private func takeOver(_ site: ServerSite) async throws -> RunningServer? {
        let deadline = ContinuousClock.now + configuration.startTimeout
        while let file = try await site.livePostmaster() {
            if file.isReady, let server = running(file, site, didTakeOver: true) { return server }
            guard !file.isSingleUser, ContinuousClock.now < deadline else {
                let what = file.isSingleUser ? "a single-user postgres" : "a server that is \(file.state ?? "starting")"
                throw EmbeddedServerError(
                    file.isSingleUser ? .busy : .timedOut, "process \(file.pid), \(what), uses \(site.data)",
                    nextStep: "wait until it is done, then start again", log: try await site.lastLogLines())
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }

    /// The programs that fit the cluster; a new cluster, of the newest version, where there is none.
    private func prepareCluster(_ site: ServerSite) async throws -> PostgresInstallation {
        let all = try await PostgresInstallation.findAll(
            environment: configuration.environment, systemRoot: configuration.systemRoot)
        if let major = try site.majorOfExistingCluster() {
            if let match = all.first(where: { $0.version.major == major }) { return match }
            let installed = all.map { "\($0.version) in \($0.programs)" }.joined(separator: ", ")
            throw EmbeddedServerError(
                .otherMajorVersion,
                "\(site.data) was made by PostgreSQL \(major), which is not installed; installed: \(installed)",
                nextStep: "install it (apt-get install postgresql-\(major)) or name it by STRATA_PG_BINDIR; "
                    + "or move \(site.home) away to begin with an empty server")
        }
        try await creation(site, all[0]).run()
        return all[0]
    }

    private func launch(_ site: ServerSite, _ installation: PostgresInstallation) async throws -> RunningServer {
        let deadline = ContinuousClock.now + configuration.startTimeout
        let socketFolder = try SocketFolder.prepare(for: site)
        var settings = ServerSettings(
            port: try firstPort(site), socketFolder: socketFolder, version: installation.version,
            durable: configuration.durable,
            statementStatistics: await installation.hasLibrary(
                "pg_stat_statements", environment: configuration.environment),
            extra: configuration.settings)
        var log: [String] = []
        for _ in 1...5 {
            try site.write(settings)
            switch try await ServerLaunch(site: site, installation: installation, deadline: deadline).run() {
            case .ready(let file):
                if let server = running(file, site, didTakeOver: false) { return server }
            case .ended(let lines):
                log = lines
            }
            switch StartObstacle(log) {
            case .portTaken: settings.port = try configuration.pickPort()
            case .oldProcesses: try await site.endOrphans(timeout: configuration.stopTimeout)
            case nil: throw site.startFailure(log)
            }
        }
        throw site.startFailure(log)
    }

    /// The same as last time where it is still free, so that written-down URLs go on working.
    private func firstPort(_ site: ServerSite) throws -> Int {
        if let last = Files.read(site.settingsFile.string).flatMap(ServerSettings.port(in:)), FreePort.isFree(last) {
            return last
        }
        return try configuration.pickPort()
    }
}
