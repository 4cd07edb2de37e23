import Foundation
import SystemPackage
import Testing

@testable import Engine

@Suite("Embedded server: folders and refusals", .serialized)
struct EmbeddedServerFolderTests {
    @Test(
        "folders with spaces, quotes, dollars and letters of all kinds",
        arguments: ["two words", "Prüfung – 試験", "it's \"$HOME\" `id` \\ 100%, a;b"])
    func unusualNames(name: String) async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(in: name)
            let first = try await server.start()
            #expect(first.dataFolder.string.contains(name))
            #expect(try await psql(first.url, "SELECT 1") == "1")
            #expect(try await psql(first.tcpURL, "SELECT 1") == "1")
            #expect(try await server.start().didTakeOver)
            #expect(try await server.stop())
        }
    }

    @Test("a long path works, because the socket is elsewhere; too long a one is refused before anything is made")
    func longPaths() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let long = Array(repeating: String(repeating: "x", count: 90), count: 5).joined(separator: "/")
            let running = try await fixture.server(in: long).start()
            #expect(try await psql(running.url, "SELECT 1") == "1")
            #expect(running.socketFolder.string.utf8.count < 60)

            let tooLong = try fixture.server(in: long + "/" + long)
            let error = await serverError { try await tooLong.start() }
            #expect(error?.code == .folderUnusable)
            #expect(error?.message.contains("longer than 900 bytes") == true)
            #expect(Files.names(in: tooLong.configuration.directory.string) == [])
        }
    }

    @Test(
        "below a folder that the server's user cannot enter, root's server lives in the shared folder",
        .enabled(if: isRoot))
    func unreachableFolder() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(in: "closed/project")
            let closed = fixture.folder.appending("closed").string
            try Files.setMode(ofFolder: closed, to: 0o700)
            let running = try await server.start()
            #expect(running.dataFolder.starts(with: fixture.folder.appending("shared")))
            #expect(Files.names(in: server.configuration.directory.string) == [])
            // A later chmod does not lead to a second, empty cluster.
            try await psql(running.url, "CREATE TABLE kept()")
            try Files.setMode(ofFolder: closed, to: 0o755)
            #expect(try await server.start().dataFolder == running.dataFolder)
        }
    }

    @Test("root's server runs as an unprivileged user, which STRATA_PG_USER names", .enabled(if: isRoot))
    func account() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(environment: ["STRATA_PG_USER": "nobody"])
            let running = try await server.start()
            #expect(running.user == "nobody")
            let identity = Files.read("/proc/\(running.pid)/status") ?? ""
            let nobody = try #require(ServerAccount.find(name: "nobody"))
            #expect(identity.contains("Uid:\t\(nobody.uid)\t\(nobody.uid)\t\(nobody.uid)"))
            #expect(identity.contains("Gid:\t\(nobody.gid)\t\(nobody.gid)\t\(nobody.gid)"))
            #expect(identity.contains("Groups:\t \n"))
            // Without the variable, the cluster still belongs to nobody.
            #expect(try await fixture.server().start().user == "nobody")

            let unknown = try fixture.server(in: "other", environment: ["STRATA_PG_USER": "root"])
            #expect(await serverError { try await unknown.start() }?.code == .noServerAccount)
        }
    }

    @Test("the home of another user is refused, by start and by status", .enabled(if: isRoot))
    func anotherUsersHome() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let home = server.configuration.directory.appending(".strata/pg")
            try FileManager.default.createDirectory(atPath: home.string, withIntermediateDirectories: true)
            #expect(chown(home.string, 12_345, 12_345) == 0)
            #expect(await serverError { try await server.start() }?.code == .folderOfAnotherUser)
            let error = await serverError { try await server.status() }
            #expect(error?.message.contains("made by user number 12345") == true)
        }
    }

    @Test("a folder that cannot be written is named", .enabled(if: !isRoot))
    func readOnlyFolder() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            try Files.setMode(ofFolder: server.configuration.directory.string, to: 0o555)
            let error = await serverError { try await server.start() }
            try Files.setMode(ofFolder: server.configuration.directory.string, to: 0o755)
            #expect(error?.code == .folderUnusable)
            #expect(error?.message.contains("/.strata/pg: Permission denied") == true)
        }
    }

    @Test("a directory that does not exist is an error with a next step")
    func missingDirectory() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = EmbeddedServer(
                .init(
                    directory: fixture.folder.appending("nowhere"), environment: fixture.environment))
            let error = await serverError { try await server.start() }
            #expect(error?.code == .folderUnusable)
            #expect(error?.nextStep.isEmpty == false)
        }
    }

    @Test("a symbolic link under the socket folder's name is not followed")
    func plantedLink() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let site = try await fixture.site(server)
            let planted = SocketFolder.path(for: site).string
            let target = fixture.folder.appending("elsewhere")
            try Files.makeFolder(target.string, mode: 0o700, owner: site.account)
            try FileManager.default.createSymbolicLink(atPath: planted, withDestinationPath: target.string)
            let error = await serverError { try await server.start() }
            Files.removeFile(planted)
            #expect(error?.code == .socketFolderUnsafe)
            #expect(error?.message.contains("is a symbolic link") == true)
            #expect(Files.names(in: target.string) == [])
            #expect(try await server.start().didTakeOver == false)
        }
    }

    @Test(
        "a socket folder of another user is refused; one of ours with a loose mode is tightened",
        .enabled(if: isRoot))
    func plantedFolder() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let site = try await fixture.site(server)
            let planted = SocketFolder.path(for: site).string
            try Files.makeFolder(planted, mode: 0o777)
            #expect(chown(planted, 12_345, 12_345) == 0)
            let error = await serverError { try await server.start() }
            #expect(error?.message.contains("a folder of user number 12345") == true)
            #expect(chown(planted, site.account.uid, site.account.gid) == 0)
            let running = try await server.start()
            #expect(running.socketFolder.string == planted)
            #expect(Files.entry(planted)?.mode == 0o700)
        }
    }

    @Test("a cluster of another major version is left alone")
    func otherMajor() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let first = try await server.start()
            try await server.stop()
            let file = first.dataFolder.appending("PG_VERSION").string
            let site = try await fixture.site(server)
            _ = try await site.shell("echo 12 >\"$1\"", [file])
            let error = await serverError { try await server.start() }
            #expect(error?.code == .otherMajorVersion)
            #expect(error?.message.contains("made by PostgreSQL 12") == true)
            #expect(error?.nextStep.contains("postgresql-12") == true)
            _ = try await site.shell("echo \"$2\" >\"$1\"", [file, "\(first.version.major)"])
            #expect(try await server.start().didTakeOver == false)
        }
    }

    @Test("a data folder that Strata did not finish is neither used nor deleted")
    func foreignData() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server()
            let data = server.configuration.directory.appending(".strata/pg/data")
            try FileManager.default.createDirectory(atPath: data.string, withIntermediateDirectories: true)
            try Files.write("precious", to: data.appending("file").string, mode: 0o600)
            #expect(await serverError { try await server.start() }?.code == .folderNotOurs)
            #expect(Files.read(data.appending("file").string) == "precious")
        }
    }

    @Test("a setting that the server refuses: its log and the next step")
    func badSetting() async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(settings: ["work_mem": "lots"])
            let error = await serverError { try await server.start() }
            #expect(error?.code == .startFailed)
            #expect(error?.log.contains { $0.contains("work_mem") } == true)
            #expect(error?.nextStep.contains("correct the setting") == true)
            #expect(try await fixture.server().start().didTakeOver == false)
        }
    }

    @Test(
        "settings that Strata keeps to itself, and names and values that are none",
        arguments: [("port", "1"), ("Listen_Addresses", "*"), ("a b", "1"), ("work_mem", "1\nfsync = off"), ("", "")])
    func refusedSettings(name: String, value: String) async throws {
        try await EmbeddedServerFixture.with { fixture in
            let server = try fixture.server(settings: [name: value])
            #expect(await serverError { try await server.start() }?.code == .invalidSetting)
            #expect(Files.names(in: server.configuration.directory.string) == [])
        }
    }
}
