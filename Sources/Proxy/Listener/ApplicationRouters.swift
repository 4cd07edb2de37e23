internal import Planning
internal import SQLSyntax

/// The routers of one loop for one database: one for everybody, and one for each application that a route names together
/// with tags or a table. Each has a cache of its own, so that statements of others cost nothing more.
final class ApplicationRouters {
    private let common: Router
    private var others: [String: Router] = [:]
    private unowned let worker: Worker

    /// More applications than these are routed like everybody.
    static let limit = 256

    /// - Parameter number: of the common one, among those of a loop.
    init(_ configuration: ProxyConfiguration, number: UInt16, worker: Worker) {
        self.worker = worker
        common = Router(rules: Self.rules(configuration, nil), number: number)
        make(configuration)
    }

    private func make(_ configuration: ProxyConfiguration) {
        for name in configuration.applicationsWithRules.sorted().prefix(Self.limit) {
            let router = Router(
                catalog: common.catalog, rules: Self.rules(configuration, name), number: worker.nextRouterNumber())
            router.renew(placement: common.placement)
            others[name] = router
        }
    }

    /// Where one application alone decides, its route is not among them: `ProxyConfiguration.target(ofApplication:)`.
    private static func rules(_ configuration: ProxyConfiguration, _ application: String?) -> RoutingRules {
        RoutingRules(configuration.routes.filter { $0.application == nil || $0.application == application })
    }

    @inline(__always)
    subscript(application: String) -> Router { others.isEmpty ? common : others[application] ?? common }

    var all: [Router] { [common] + others.values }
    var placement: Placement? { common.placement }
    var catalog: RoutingCatalog { common.catalog }

    func renew(catalog: RoutingCatalog? = nil, placement: Placement? = nil) {
        for router in all { router.renew(catalog: catalog, placement: placement) }
    }

    /// After a reload. Numbers of search paths are new where a router is.
    func take(_ configuration: ProxyConfiguration) {
        common.renew(rules: Self.rules(configuration, nil))
        others = [:]
        make(configuration)
    }
}

extension ProxyConfiguration {
    /// Those that a route names together with tags or a table.
    var applicationsWithRules: Set<String> {
        Set(routes.filter { $0.table != nil || !$0.tags.isEmpty }.compactMap(\.application))
    }
}
