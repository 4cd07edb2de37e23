import Foundation

/// Certificates of a test's own, made with the openssl of this machine, in a folder that goes with the test.
struct TestCertificates: Sendable {
    struct Pair: Sendable {
        let certificate: String
        let key: String
    }

    struct Failure: Error { let words: [String] }

    let folder: String

    static func with<T>(_ body: (TestCertificates) async throws -> T) async throws -> T {
        let folder = NSTemporaryDirectory() + "strata-tls-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(TestCertificates(folder: folder))
    }

    /// - Parameter host: what it is for, beside its name.
    func selfSigned(_ name: String, host: String = "localhost") throws -> Pair {
        let pair = Pair(certificate: "\(folder)/\(name).crt", key: "\(folder)/\(name).key")
        try openssl(
            ["req", "-x509"] + Self.newKey + [
                "-days", "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(host)", "-keyout", pair.key,
                "-out", pair.certificate,
            ])
        return pair
    }

    /// Of that common name, signed by an authority.
    func signed(_ name: String, by authority: Pair) throws -> Pair {
        let pair = Pair(certificate: "\(folder)/\(name).crt", key: "\(folder)/\(name).key")
        let request = "\(folder)/\(name).csr"
        try openssl(["req"] + Self.newKey + ["-subj", "/CN=\(name)", "-keyout", pair.key, "-out", request])
        try openssl([
            "x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key, "-set_serial", "7",
            "-days", "2", "-out", pair.certificate,
        ])
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: pair.key)
        return pair
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    /// - Returns: what it printed.
    @discardableResult
    func openssl(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + words
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(words: words) }
        return text
    }
}
