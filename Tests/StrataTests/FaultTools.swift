import Foundation
import Subprocess

/// Programs of the system that faults are made with.
enum FaultTools {
    struct Failed: Error { var text: String }

    static func run(_ program: String, _ arguments: String...) async throws {
        let result = try await Subprocess.run(
            .name(program), arguments: Arguments(arguments), output: .discarded, error: .string(limit: 4096))
        guard result.terminationStatus.isSuccess else {
            throw Failed(text: "\(program) \(arguments): \(result.standardError)")
        }
    }

    /// Neither where processes may not have a network of their own.
    static func mayMakeNetworks() async -> Bool {
        guard getuid() == 0, FileManager.default.fileExists(atPath: "/proc/self/ns/net") else { return false }
        do {
            try await run(
                "unshare", "-n", "sh", "-c",
                "ip link add name here type veth peer name there && nsenter --help >/dev/null")
            return true
        } catch { return false }
    }

    /// Not in a container without CAP_SYS_ADMIN, nor where `mount` is of another kind.
    static func mayMount() async -> Bool {
        guard getuid() == 0 else { return false }
        let folder = "/tmp/strata-mount-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try await run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
            try await run("umount", folder)
            return true
        } catch { return false }
    }
}
