import Foundation
import Testing

/// What every command says about itself, and how it refuses what it does not understand.
@Suite struct HelpTests {
    @Test(arguments: [
        [], ["plan"], ["apply"], ["rollback"], ["contract"], ["status"], ["pg"], ["pg", "start"], ["pg", "stop"],
        ["pg", "status"], ["split"], ["split", "status"], ["split", "cancel"], ["split", "diff"],
        ["split", "observe"], ["split", "keys"], ["split", "copies"], ["split", "copies", "make"],
        ["split", "copies", "drop"],
        ["split", "foreign"], ["split", "foreign", "make"], ["project"], ["project", "run"], ["project", "status"],
        ["project", "rebuild"], ["project", "drop-old"], ["import"], ["import", "sqlite"],
    ])
    func helpHasAnExample(command: [String]) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.start(command + ["--help"]).finish()
            #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
            let words = (["strata"] + command).joined(separator: " ")
            let lines = result.output.split(separator: "\n")
            #expect(result.output.contains("USAGE: \(words)"), "\(result.output)")
            #expect(lines.contains { $0.contains("  " + words) || $0.contains("$(\(words)") }, "\(result.output)")
            #expect(lines.allSatisfy { $0.count <= 120 || $0.hasPrefix("USAGE") })
        }
    }

    @Test func withoutACommandTheHelpComes() async throws {
        try await Workshop.withFolder { program in
            let result = try await program.run()
            #expect(result.output.contains("SUBCOMMANDS") && result.code == 0, "\(result)")
            let version = try await program.run("--version")
            #expect(version.code == 0 && version.output.hasPrefix("strata "))
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completions(shell: String) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.run("--generate-completion-script", shell)
            #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
            #expect(result.output.contains("rollback"))
        }
    }

    @Test(arguments: [
        (["plam"], "plam"), (["plan", "--fromat", "json"], "--fromat"), (["plan", "--format", "xml"], "xml"),
        (["apply", "--accept", "NOTHING"], "BINDS_BY_NAME"), (["apply", "--lock-timeout", "soon"], "soon"),
        (["apply", "--lock-timeout", "1ms"], "10ms"), (["apply", "--lock-wait", "30d"], "7d"),
        (["status", "--limit", "0"], "1 to 1000"), (["pg", "restart"], "restart"), (["rollback", "extra"], "extra"),
    ])
    func usageErrors(arguments: [String], says: String) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.start(arguments).finish()
            #expect(result.code == 64 && result.output.isEmpty, "\(result)")
            #expect(result.errors.contains(says) && result.errors.contains("--help"), "\(result.errors)")
        }
    }
}
