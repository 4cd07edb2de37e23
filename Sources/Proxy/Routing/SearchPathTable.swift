import SQLSyntax

/// Search paths by number, so that a session has one number to keep. Numbers stay what they are when the catalog
/// changes; sessions whose paths lead to the same schemas share their decisions.
struct SearchPathTable {
    /// More different paths than this are taken for the unknown one: right, but less precise.
    static let limit = 10_000

    private struct Source: Hashable {
        let path: String
        let role: String
    }

    private var numbers: [Source: UInt32] = [:]
    private var sources: [Source?] = [nil]
    private var resolved: [ResolvedPath] = [.unknown]
    /// The first number with the same schemas.
    private var shared: [UInt32] = [0]
    private var sharedNumbers: [[UInt32]: UInt32] = [:]

    mutating func number(_ path: String, _ role: String, _ catalog: RoutingCatalog) -> UInt32 {
        let source = Source(path: path, role: role)
        if let known = numbers[source] { return known }
        guard sources.count <= Self.limit else { return 0 }
        let number = UInt32(sources.count)
        numbers[source] = number
        sources.append(source)
        resolve(source, number, catalog)
        return number
    }

    mutating func renew(_ catalog: RoutingCatalog) {
        resolved = [.unknown]
        shared = [0]
        sharedNumbers = [:]
        for (number, source) in sources.enumerated() {
            if let source { resolve(source, UInt32(number), catalog) }
        }
    }

    private mutating func resolve(_ source: Source, _ number: UInt32, _ catalog: RoutingCatalog) {
        // A text that PostgreSQL would refuse cannot be a session's path; nothing is assumed of it.
        guard let path = SearchPath.parse(source.path) else {
            resolved.append(.unknown)
            return shared.append(0)
        }
        let found = catalog.resolve(path, role: source.role)
        resolved.append(found)
        let first = sharedNumbers[found.schemas] ?? number
        sharedNumbers[found.schemas] = first
        shared.append(first)
    }

    func path(_ number: UInt32) -> ResolvedPath { resolved[index(number)] }

    /// The names in it, and the role; nil where it is not known.
    func names(_ number: UInt32) -> (path: SearchPath, role: String)? {
        guard let source = sources[index(number)] else { return nil }
        return SearchPath.parse(source.path).map { ($0, source.role) }
    }

    func sharedNumber(_ number: UInt32) -> UInt32 { shared[index(number)] }

    private func index(_ number: UInt32) -> Int { Int(number) < resolved.count ? Int(number) : 0 }
}
