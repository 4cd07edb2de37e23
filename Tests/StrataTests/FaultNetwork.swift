import Foundation
import PostgresDriver
import Testing

@testable import TestSupport

/// Three networks that are joined by cables: that of each server, and that of the program. All are the test's own, and go
/// with the processes in them.
///
/// What a test looks at it asks by sockets in the file system, which no cable belongs to.
struct FaultNetwork: Sendable {
    private enum Host: String, CaseIterable { case source, target, program }

    private let holders: [Host: RunningProgram]

    private static func address(_ host: Host) -> String {
        switch host {
        case .source: "198.18.0.1"
        case .target: "198.18.0.2"
        case .program: "198.18.0.3"
        }
    }

    static func with(_ body: (FaultSite, FaultServers, FaultNetwork) async throws -> Void) async throws {
        try await FaultServers.with { site, servers in
            let network = try await make(site.program)
            do {
                try await body(try await network.moveIn(servers, site), servers, network)
            } catch {
                await network.end(servers)
                throw error
            }
            await network.end(servers)
        }
    }

    private static func make(_ program: Program) async throws -> FaultNetwork {
        var holders: [Host: RunningProgram] = [:]
        for host in Host.allCases {
            // It ends when the folder goes, should nobody end it.
            holders[host] = try program.start(
                ["-n", "sh", "-c", "while [ -f strata.yaml ]; do sleep 1; done"],
                executable: URL(filePath: "/usr/bin/unshare"), timeout: 900)
        }
        let network = FaultNetwork(holders: holders)
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        for host in Host.allCases {
            let file = "/proc/\(network.pid(host))/ns/net"
            try await eventually("there is a network of the \(host)") {
                try FileManager.default.destinationOfSymbolicLink(atPath: file) != own
            }
            try await network.ip(host, "link", "set", "lo", "up")
            try await network.ip(host, "address", "add", "\(address(host))/32", "dev", "lo")
        }
        for (one, other) in [(Host.source, Host.target), (.source, .program), (.target, .program)] {
            try await network.ip(
                one, "link", "add", "to-\(other)", "type", "veth", "peer", "name", "to-\(one)", "netns",
                "\(network.pid(other))")
            for (host, far) in [(one, other), (other, one)] { try await network.plug(host, far) }
        }
        return network
    }

    private func plug(_ host: Host, _ far: Host) async throws {
        try await ip(host, "link", "set", "to-\(far)", "up")
        try await ip(
            host, "route", "replace", Self.address(far), "dev", "to-\(far)", "src", Self.address(host))
    }

    private func moveIn(_ servers: FaultServers, _ site: FaultSite) async throws -> FaultSite {
        var program = site.program
        var folders: [String] = []
        for (host, cluster, name) in [
            (Host.source, servers.source, "DATABASE_URL"), (.target, servers.target, "BOOKS_URL"),
        ] {
            let data = cluster.data(0)
            try await cluster.stop(0)
            try await cluster.shell.append(
                "listen_addresses = '*'\nunix_socket_directories = '\(cluster.folder)'\n",
                to: "\(data)/postgresql.auto.conf")
            try await cluster.shell.append(
                "host all all 198.18.0.0/24 scram-sha-256\n", to: "\(data)/pg_hba.conf")
            let account = getpwnam("postgres") == nil ? "nobody" : "postgres"
            try await FaultTools.run(
                "nsenter", "-t", "\(pid(host))", "-n", "setpriv", "--reuid=\(account)", "--regid=\(account)",
                "--clear-groups", "--", "sh", "-c",
                "cd / && exec \(cluster.shell.programs)/pg_ctl -D \(data) -l \(data)/log -w -t 60 start >/dev/null 2>&1"
            )
            program.environment[name] = cluster.url(of: 0).replacing("127.0.0.1", with: Self.address(host))
            folders.append(cluster.folder)
        }
        return FaultSite(
            program: program, source: try servers.source.settings(of: 0, ["host": folders[0]]),
            target: try servers.target.settings(of: 0, ["host": folders[1]]),
            runner: ["/usr/bin/nsenter", "-t", "\(pid(.program))", "-n"])
    }

    private func end(_ servers: FaultServers) async {
        for cluster in [servers.source, servers.target] { try? await cluster.stop(0) }
        for holder in holders.values {
            holder.signal(SIGKILL)
            _ = try? await holder.finish()
        }
    }

    // MARK: Faults

    /// Between the two servers everything is lost on the way, and nobody is told. Connections are still there afterwards.
    func lose() async throws {
        for (host, far) in [(Host.source, Host.target), (.target, .source)] {
            // Nobody has that address.
            try await ip(
                host, "neighbour", "replace", Self.address(far), "lladdr", "02:00:00:00:00:99", "dev", "to-\(far)",
                "nud", "permanent")
        }
    }

    func find() async throws {
        for (host, far) in [(Host.source, Host.target), (.target, .source)] {
            try await ip(host, "neighbour", "del", Self.address(far), "dev", "to-\(far)")
        }
    }

    /// The cable between the two servers is out, which the target's server is told.
    func unplug() async throws { try await ip(.target, "link", "set", "to-source", "down") }

    func plugIn() async throws { try await plug(.target, .source) }

    private func pid(_ host: Host) -> Int32 { holders[host]?.pid ?? -1 }

    private func ip(_ host: Host, _ words: String...) async throws {
        let line = words.joined(separator: " ")
        try await FaultTools.run("nsenter", "-t", "\(pid(host))", "-n", "sh", "-c", "ip \(line)")
    }
}
