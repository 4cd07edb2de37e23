import Foundation

/// The server that tests use.
package enum TestServer {
    package struct Missing: Error, CustomStringConvertible {
        package let description = "no test server: STRATA_TEST_URL is not set"
    }

    /// A URL with the right to create databases and roles.
    package static func url() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["STRATA_TEST_URL"], !url.isEmpty else { throw Missing() }
        return url
    }
}
