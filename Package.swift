// swift-tools-version: 6.1
import PackageDescription

// The layers, bottom up, are described in docs/ARCHITECTURE.md. A target imports only from lower rows.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// What runs for every message of every client is not checked for overlapping access to class properties, which took a
/// tenth of the proxy's own time: a look into a list for each property. Debug builds check, and those are what the tests
/// run; what a property is used for at one time is one thread's, a loop's. SwiftPM takes such flags from a root package
/// only: a library product for applications must not depend on these targets.
let unchecked: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

let package = Package(
    name: "strata",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "strata", targets: ["strata"]),
        // For services that talk to their databases themselves. Nothing of it may depend on a target with `unchecked`.
        .library(name: "StrataDatabases", targets: ["StrataDatabases"]),
        .library(name: "StrataEvents", targets: ["StrataEvents"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/attaswift/BigInt", from: "6.0.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Row 0: C libraries.
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(name: "CPgQuery", providers: [.apt(["libpg-query-dev"]), .brew(["libpg_query"])]),

        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),

        .systemLibrary(
            name: "CLibEvent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"]), .brew(["libevent"])]),

        .systemLibrary(
            name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"]), .brew(["pcre2"])]),

        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),

        // Row 1: SQL text.
        .target(name: "SQLSyntax", dependencies: ["CPgQuery"], swiftSettings: strict),

        // Row 2: the pure core, and the connection.
        .target(
            name: "Planning",
            dependencies: [
                "SQLSyntax",
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .target(name: "PostgresDriver", dependencies: ["CLibPQ"], swiftSettings: strict),

        .target(
            name: "JSONSchemas", dependencies: ["CPCRE2", .product(name: "BigInt", package: "BigInt")],
            swiftSettings: strict),

        .target(name: "PostgresWire", dependencies: ["COpenSSL"], swiftSettings: strict + unchecked),

        // Row 3: the core meets a server.
        .target(
            name: "Engine",
            dependencies: [
                "Planning", "PostgresDriver", "SQLSyntax",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),

        .target(
            name: "EventStore",
            dependencies: [
                "COpenSSL", "JSONSchemas", "PostgresDriver", "SQLSyntax",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict
        ),

        // Row 3: the databases of a layout for Swift services; its interface is for others.
        .target(
            name: "StrataDatabases", dependencies: ["Planning", "PostgresDriver", "SQLSyntax"], swiftSettings: strict),

        // Row 4: what stands between applications and servers.
        .target(
            name: "Proxy",
            dependencies: [
                "CLibEvent", "COpenSSL", "Engine", "Planning", "PostgresDriver", "PostgresWire", "SQLSyntax",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict + unchecked
        ),

        .target(
            name: "Service",
            dependencies: [
                "EventStore", "JSONSchemas", "Planning", "PostgresDriver",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),

        // Row 4: the event store for Swift services; its interface is for others.
        .target(
            name: "StrataEvents", dependencies: ["EventStore", "JSONSchemas", "PostgresDriver"], swiftSettings: strict),
        // Row 4: events to queues of others.
        .target(
            name: "Outbox", dependencies: ["CHiredis", "EventStore", "PostgresDriver"], swiftSettings: strict),

        // Row 4: SQLite files on their way into PostgreSQL.
        .target(
            name: "SQLiteImport",
            dependencies: [
                "COpenSSL", "Engine", "JSONSchemas", "Planning", "PostgresDriver", "SQLSyntax",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),

        // Row 5: the command line.
        .executableTarget(
            name: "strata",
            dependencies: [
                "Engine", "EventStore", "JSONSchemas", "Outbox", "Planning", "PostgresDriver", "Proxy", "SQLiteImport",
                "Service",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "Engine", "Planning", "PostgresDriver",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .testTarget(name: "SQLSyntaxTests", dependencies: ["SQLSyntax", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "PlanningTests", dependencies: ["Planning", "SQLSyntax"], swiftSettings: strict),
        .testTarget(name: "JSONSchemasTests", dependencies: ["JSONSchemas"], swiftSettings: strict),
        .testTarget(name: "PostgresWireTests", dependencies: ["PostgresWire"], swiftSettings: strict),
        .testTarget(
            name: "PostgresDriverTests", dependencies: ["PostgresDriver", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "Planning", "PostgresDriver", "SQLSyntax", "TestSupport",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["Cases"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EventStoreTests",
            dependencies: ["EventStore", "JSONSchemas", "PostgresDriver", "SQLSyntax", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "EventStore", "JSONSchemas", "PostgresDriver", "Service", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "StrataEventsTests", dependencies: ["EventStore", "PostgresDriver", "StrataEvents", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "OutboxTests", dependencies: ["EventStore", "Outbox", "PostgresDriver", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "StrataDatabasesTests", dependencies: ["PostgresDriver", "StrataDatabases", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ProxyTests",
            dependencies: [
                "Engine", "Planning", "PostgresDriver", "PostgresWire", "Proxy", "SQLSyntax", "StrataDatabases",
                "TestSupport",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SQLiteImportTests",
            dependencies: [
                "JSONSchemas", "Planning", "PostgresDriver", "SQLSyntax", "SQLiteImport", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        // Runs the built program, as a person would.
        .testTarget(
            name: "StrataTests",
            dependencies: [
                "strata", "Engine", "Outbox", "Planning", "PostgresDriver", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            exclude: ["Django", "Golden", "Rails", "SQLAlchemy"],
            swiftSettings: strict
        ),

        // Measurements: not tests, and not shipped.
        .executableTarget(
            name: "strata-bench",
            dependencies: [
                "Engine", "EventStore", "JSONSchemas", "Planning", "PostgresDriver", "PostgresWire", "Proxy",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/strata-bench",
            swiftSettings: strict
        ),
    ]
)
