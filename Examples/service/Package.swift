// swift-tools-version: 6.1
import PackageDescription

// A service with a package of its own. Yours would name a version: .package(url: "…/strata", from: "0.1.0").
let package = Package(
    name: "service",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "strata", path: "../..")],
    targets: [
        .executableTarget(
            name: "service", dependencies: [.product(name: "StrataDatabases", package: "strata")])
    ]
)
