import Foundation
import SystemPackage
import Testing

@testable import Engine

@Suite("Finding PostgreSQL, and reading what it says")
struct PostgresInstallationTests {
    @Test("what is installed here is found, and works")
    func found() async throws {
        let one = try await PostgresInstallation.find(environment: ProcessInfo.processInfo.environment)
        #expect(one.version >= .oldestSupported)
        #expect(PostgresInstallation.required.allSatisfy { Files.isExecutable(one.program($0)) })
    }

    @Test("nothing installed: the places that were looked at, and how to install it")
    func notFound() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let path = fixture.folder.string
            let error = await serverError {
                try await PostgresInstallation.find(environment: ["PATH": path], systemRoot: fixture.folder)
            }
            #expect(error?.code == .noInstallation)
            #expect(error?.message.contains("\(path), \(path)/usr/lib/postgresql/*/bin") == true)
            #expect(error?.nextStep.contains("apt-get install postgresql") == true)

            var configuration = try fixture.server(environment: ["PATH": path]).configuration
            configuration.systemRoot = fixture.folder
            #expect(await serverError { try await EmbeddedServer(configuration).start() }?.code == .noInstallation)
        }
    }

    @Test("the newest wins wherever it is; STRATA_PG_BINDIR wins over all")
    func newest() async throws {
        try await EmbeddedServerFixture.with { fixture in
            try install("13.20", in: fixture.folder.appending("usr/lib/postgresql/13/bin"))
            try install("9.6.24", in: fixture.folder.appending("usr/lib/postgresql/9.6/bin"))
            try install("16.2", in: fixture.folder.appending("usr/pgsql-16/bin"))
            try install("16.10 (Debian 16.10-1)", in: fixture.folder.appending("on-path"))
            let onPath = fixture.folder.appending("on-path").string
            let usual = try await PostgresInstallation.find(
                environment: ["PATH": "\(onPath):/bin"], systemRoot: fixture.folder)
            #expect(usual.version == PostgresVersion(major: 16, minor: 10))
            #expect(usual.programs.string == onPath)
            let named = fixture.folder.appending("usr/lib/postgresql/13/bin").string
            let chosen = try await PostgresInstallation.find(
                environment: ["PATH": "\(onPath):/bin", "STRATA_PG_BINDIR": named], systemRoot: fixture.folder)
            #expect(chosen.version == PostgresVersion(major: 13, minor: 20))
        }
    }

    @Test("pg_config on the PATH leads to its programs")
    func configTool() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let programs = fixture.folder.appending("opt/mine/bin")
            try install("17beta1", in: programs)
            try writeScript("[ \"$1\" = --bindir ] && echo '\(programs)'", to: fixture.folder.appending("p/pg_config"))
            let found = try await PostgresInstallation.find(
                environment: ["PATH": fixture.folder.appending("p").string], systemRoot: fixture.folder)
            #expect(found == PostgresInstallation(programs: programs, version: .init(major: 17, minor: 0)))
        }
    }

    @Test("only an old one; a folder that is none")
    func unusable() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let old = fixture.folder.appending("usr/lib/postgresql/12/bin")
            try install("12.22", in: old)
            let error = await serverError {
                try await PostgresInstallation.find(environment: ["PATH": "/nowhere"], systemRoot: fixture.folder)
            }
            #expect(error?.code == .unsupportedVersion)
            #expect(error?.message.contains("12.22 in \(old)") == true)
            let wrong = await serverError {
                try await PostgresInstallation.find(environment: ["STRATA_PG_BINDIR": fixture.folder.string])
            }
            #expect(wrong?.code == .noInstallation)
            #expect(wrong?.message.contains("STRATA_PG_BINDIR is \(fixture.folder)") == true)
        }
    }

    private func install(_ version: String, in folder: FilePath) throws {
        for name in PostgresInstallation.required {
            try writeScript("echo '\(name) (PostgreSQL) \(version)'", to: folder.appending(name))
        }
    }

    @Test(
        "versions",
        arguments: [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", PostgresVersion(major: 15, minor: 14)),
            ("postgres (PostgreSQL) 18devel", PostgresVersion(major: 18, minor: 0)),
            ("postgres (PostgreSQL) devel", nil), ("something else 15.1", nil), ("", nil),
        ])
    func versions(text: String, expected: PostgresVersion?) {
        #expect(PostgresVersion(programOutput: text) == expected)
    }

    @Test("postmaster.pid: whole, half written, of a single-user server, empty")
    func postmasterFile() {
        let whole = PostmasterFile("41\n/d\n1700000000\n5433\n/tmp/s\n127.0.0.1\n  123 456\nready   \n")
        #expect(whole?.isReady == true)
        #expect((whole?.pid, whole?.port, whole?.socketFolder) == (41, 5433, "/tmp/s"))
        let half = PostmasterFile("41\n/d\n17000")
        #expect(half?.pid == 41)
        #expect(half?.port == nil)
        #expect(half?.isReady == false)
        #expect(PostmasterFile("-77\n/d\n")?.isSingleUser == true)
        #expect(PostmasterFile("") == nil)
        #expect(PostmasterFile("nonsense\n") == nil)
    }

    @Test("a full disk and a refused file are told apart from other failures")
    func explanations() {
        func explained(_ output: String) -> EmbeddedServerError {
            .explaining(output, in: "/data", or: .initFailed, "initdb failed", nextStep: "see above")
        }
        #expect(explained("could not write: No space left on device").code == .diskFull)
        #expect(explained("could not open: Permission denied").code == .folderUnusable)
        #expect(explained("something new").code == .initFailed)
        #expect(explained((1...50).map { "line \($0)" }.joined(separator: "\n")).log.count == 20)
    }

    @Test("URLs: a path of any name is one value")
    func encoding() {
        #expect(RunningServer.encoded("/tmp/strata-0-a_b.c~") == "/tmp/strata-0-a_b.c~")
        #expect(RunningServer.encoded("/ü &=%?") == "/%C3%BC%20%26%3D%25%3F")
    }
}
