package import SystemPackage

/// A folder of PostgreSQL server programs (`initdb`, `postgres`, `pg_ctl`) and their version.
package struct PostgresInstallation: Sendable, Equatable {
    /// The folder that holds the programs, absolute.
    package let programs: FilePath
    package let version: PostgresVersion

    /// The programs that make a folder an installation of the server.
    static let required = ["initdb", "postgres", "pg_ctl"]

    func program(_ name: String) -> String { programs.appending(name).string }

    /// The newest installation on this machine, or the one that `STRATA_PG_BINDIR` names.
    ///
    /// - Parameters:
    ///   - environment: the variables to go by: `STRATA_PG_BINDIR` and `PATH`.
    ///   - systemRoot: where the usual places of packages are looked for; only tests give another.
    /// - Throws: ``EmbeddedServerError`` `.noInstallation` with the places looked at; `.unsupportedVersion` when all
    ///   that is installed is older than PostgreSQL 13.
    package static func find(
        environment: [String: String], systemRoot: FilePath = "/"
    ) async throws -> PostgresInstallation {
        let all = try await findAll(environment: environment, systemRoot: systemRoot)
        guard let newest = all.first else { throw notFound([], named: nil) }
        return newest
    }

    /// All installations, newest first; of equal versions the one that was looked at first. Never empty.
    static func findAll(environment: [String: String], systemRoot: FilePath) async throws -> [PostgresInstallation] {
        let named = environment["STRATA_PG_BINDIR"].flatMap { $0.isEmpty ? nil : $0 }
        let places = if let named { [named] } else { try await candidates(environment, systemRoot) }
        var found: [PostgresInstallation] = []
        for place in places {
            if let one = try await inspect(place, environment) { found.append(one) }
        }
        guard !found.isEmpty else { throw notFound(places, named: named) }
        let usable = found.filter { $0.version >= .oldestSupported }
        guard !usable.isEmpty else { throw tooOld(found) }
        // Stable: `sorted` alone does not promise to keep the order of equal versions.
        return usable.enumerated().sorted { left, right in
            left.element.version == right.element.version
                ? left.offset < right.offset : left.element.version > right.element.version
        }.map(\.element)
    }

    private static func candidates(_ environment: [String: String], _ root: FilePath) async throws -> [String] {
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        var places: [String] = []
        if let tool = path.map({ $0 + "/pg_config" }).first(where: Files.isExecutable),
            let answer = try? await ChildProcess.run(
                tool, ["--bindir"], environment: environment, timeout: .seconds(10)),
            let line = answer.output.split(whereSeparator: \.isNewline).first
        {
            places.append(String(line))
        }
        places += path
        let patterns = [
            "usr/lib/postgresql/*/bin", "usr/pgsql-*/bin",
            "opt/homebrew/opt/postgresql@*/bin", "usr/local/opt/postgresql@*/bin",
            "Applications/Postgres.app/Contents/Versions/*/bin",
        ]
        for pattern in patterns {
            let full = root.appending(pattern).string
            let matches = Files.matching(full)
            places += matches.isEmpty ? [full] : matches
        }
        var seen: Set<String> = []
        return places.filter { seen.insert($0).inserted }
    }

    private static func inspect(
        _ place: String, _ environment: [String: String]
    ) async throws -> PostgresInstallation? {
        guard place.hasPrefix("/"), required.allSatisfy({ Files.isExecutable("\(place)/\($0)") }) else { return nil }
        let answer = try? await ChildProcess.run(
            "\(place)/postgres", ["--version"], environment: environment, timeout: .seconds(10))
        try Task.checkCancellation()
        guard let answer, answer.succeeded, let version = PostgresVersion(programOutput: answer.output) else {
            return nil
        }
        return PostgresInstallation(programs: FilePath(place), version: version)
    }

    private static func notFound(_ places: [String], named: String?) -> EmbeddedServerError {
        if let named {
            return EmbeddedServerError(
                .noInstallation,
                "STRATA_PG_BINDIR is \(named), which does not hold working \(required.joined(separator: ", "))",
                nextStep: "set it to the absolute path of the folder with those programs, or unset it")
        }
        return EmbeddedServerError(
            .noInstallation,
            "no PostgreSQL server is installed here; looked in \(places.joined(separator: ", "))",
            nextStep: "install one (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; "
                + "macOS: brew install postgresql@17), or set STRATA_PG_BINDIR to the folder with "
                + required.joined(separator: ", "))
    }

    private static func tooOld(_ found: [PostgresInstallation]) -> EmbeddedServerError {
        let list = found.map { "\($0.version) in \($0.programs)" }.joined(separator: ", ")
        return EmbeddedServerError(
            .unsupportedVersion, "the installed PostgreSQL is too old: \(list); Strata needs 13 or later",
            nextStep: "install a newer one (apt-get install postgresql), or set STRATA_PG_BINDIR to it")
    }

    /// Whether the server's library folder holds a module that `shared_preload_libraries` can name.
    func hasLibrary(_ name: String, environment: [String: String]) async -> Bool {
        var folders = [programs.string + "/../lib", programs.string + "/../lib/postgresql"]
        if Files.isExecutable(program("pg_config")),
            let answer = try? await ChildProcess.run(
                program("pg_config"), ["--pkglibdir"], environment: environment, timeout: .seconds(10)),
            let line = answer.output.split(whereSeparator: \.isNewline).first
        {
            folders.insert(String(line), at: 0)
        }
        return folders.contains { folder in
            [".so", ".dylib"].contains { Files.entry("\(folder)/\(name)\($0)") != nil }
        }
    }
}
