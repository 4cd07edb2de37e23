package import SystemPackage

/// An embedded server that takes connections. Holds no secret: the password is only in the file ``passfile``.
package struct RunningServer: Sendable, Equatable {
    /// Connects through the unix socket, without a password: `postgresql:///strata?host=/tmp/…&port=…&user=strata`.
    package let url: String
    /// Connects by TCP on 127.0.0.1 with the password from ``passfile``, which the URL names; for libpq.
    package let tcpURL: String
    /// On 127.0.0.1, and part of the socket's name.
    package let port: Int
    /// The postmaster.
    package let pid: Int32
    package let version: PostgresVersion
    package let dataFolder: FilePath
    package let logFolder: FilePath
    /// Mode 0700, owned by the server's user.
    package let socketFolder: FilePath
    /// libpq's password file for TCP, 0600, owned by the caller.
    package let passfile: FilePath
    /// The operating system's user that the server runs as.
    package let user: String
    /// True when it was running already.
    package let didTakeOver: Bool

    init(_ file: PostmasterFile, port: Int, site: ServerSite, version: PostgresVersion, didTakeOver: Bool) {
        let folder = file.socketFolder ?? SocketFolder.path(for: site).string
        url = "postgresql:///strata?host=\(Self.encoded(folder))&port=\(port)&user=strata_admin"
        tcpURL = "postgresql://strata_admin@127.0.0.1:\(port)/strata?passfile=\(Self.encoded(site.passfile.string))"
        self.port = port
        pid = file.pid
        self.version = version
        dataFolder = site.data
        logFolder = site.logFolder
        socketFolder = FilePath(folder)
        passfile = site.passfile
        user = site.account.name
        self.didTakeOver = didTakeOver
    }

    /// Percent-encoding of a value in a URL's query; the slashes of a path stay readable.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let plain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-._~/".unicodeScalars.contains(scalar))
            return plain ? String(scalar) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
    }
}

/// What there is of an embedded server.
package enum ServerStatus: Sendable, Equatable {
    case running(RunningServer)
    /// The process is there but takes no connections: starting, recovering after a crash, or stopping.
    case changing(pid: Int32, state: String, dataFolder: FilePath)
    /// The cluster is there; `afterCrash` when the last server was not stopped in order.
    case stopped(dataFolder: FilePath, majorVersion: Int?, afterCrash: Bool)
    /// No cluster yet; the folder is where `start` would make one.
    case absent(dataFolder: FilePath)
}

/// How a server is stopped.
package enum StopMode: String, Sendable, CaseIterable {
    /// Waits for clients to leave by themselves.
    case smart
    /// Rolls back and ends what clients do, then writes everything out. The default.
    case fast
    /// Ends at once; the next start recovers from the log.
    case immediate
}
