package import SQLSyntax

/// From a text to its decision, for one event loop and one database: by its key without constants where it has one,
/// else by all its bytes, and at last by reading it.
package final class Router {
    /// A number for a session's `search_path` and role.
    package typealias SearchPathID = UInt32
    /// Any name may mean everything of that name: for the time between a SET search_path within a transaction and the
    /// moment when the server has said what is set.
    package static let unknownPath: SearchPathID = 0

    package private(set) var catalog: RoutingCatalog
    package private(set) var rules: RoutingRules
    /// Of the main database's router, where the layout has schemas in several databases.
    package private(set) var placement: Placement?
    /// Another number after each change of catalog or rules: decisions kept elsewhere are then to be asked for again.
    package private(set) var stamp: UInt64
    package let cache: DecisionCache
    package private(set) var unparsed = UnparsedStatements()
    private let seed = StatementKey.Seed.random()
    private var paths = SearchPathTable()

    /// - Parameter number: of this router among those of a loop, so that no two have the same stamp.
    package init(
        catalog: RoutingCatalog = .unknown, rules: RoutingRules = RoutingRules(),
        limits: DecisionCache.Limits = DecisionCache.Limits(), number: UInt16 = 0
    ) {
        stamp = UInt64(number) << 48 | 1
        self.catalog = catalog
        self.rules = rules
        cache = DecisionCache(limits: limits)
    }

    /// All decisions are forgotten; numbers of search paths stay.
    package func renew(
        catalog: RoutingCatalog? = nil, rules: RoutingRules? = nil, placement: Placement? = nil
    ) {
        if let catalog { self.catalog = catalog }
        if let rules { self.rules = rules }
        if let placement { self.placement = placement }
        stamp &+= 1
        cache.removeAll()
        paths.renew(self.catalog)
    }

    /// - Parameters:
    ///   - searchPath: the setting's value, as the server shows it.
    ///   - role: the session's current role.
    package func pathID(searchPath: String, role: String) -> SearchPathID {
        paths.number(searchPath, role, catalog)
    }

    package func resolvedPath(_ id: SearchPathID) -> ResolvedPath { paths.path(id) }

    /// - Parameter text: one or more statements, without the zero byte of the protocol.
    package func decision(for text: UnsafeRawBufferPointer, path: SearchPathID) -> Decision {
        // Paths that lead to the same schemas here may lead to others in another database.
        let shared = placement == nil ? paths.sharedNumber(path) : path
        let found = StatementKey.of(text, seed: seed)
        let hasDirectives = found?.hasDirectives ?? true
        // Directives are no part of the literal-free key.
        let statement = found.flatMap { hasDirectives ? nil : $0.key } ?? StatementKey.exact(text, seed: seed)
        let key = DecisionCache.Key(statement, path: shared)
        if let known = cache.find(key) { return known }
        let made = decide(text, path, hasDirectives: hasDirectives)
        cache.insert(key, made, text: ConstantRemoval.text(of: text.bindMemory(to: UInt8.self)))
        return made
    }

    private func decide(_ text: UnsafeRawBufferPointer, _ path: SearchPathID, hasDirectives: Bool) -> Decision {
        let sql = String(decoding: text, as: UTF8.self)
        let bytes = text.bindMemory(to: UInt8.self)
        do {
            let shapes = try StatementReader.read(sql)
            let place = place(shapes, path)
            if let other = elsewhere(place) { return other }
            var clues = TextClues(bytes)
            if shapes.contains(where: { $0.kind == .doBlock }) { clues.readBlocks(sql, catalog) }
            let directives = hasDirectives ? StatementDirectives.read(text) : StatementDirectives()
            let found = StatementClassifier.classify(shapes, directives, paths.path(path), catalog, rules, clues)
            return found.decision.observed(crossing(sql, shapes, found, path, clues)).placed(place)
        } catch {
            unparsed.add(ConstantRemoval.text(of: bytes))
            return Self.unread(bytes, error)
        }
    }

    private func place(_ shapes: [StatementShape], _ path: SearchPathID) -> Decision.Place {
        guard let placement else { return .anywhere }
        let names = paths.names(path)
        return placement.place(shapes, path: names?.path, role: names?.role ?? "")
    }

    /// What is not this database's business; the other one's router says the rest.
    private func elsewhere(_ place: Decision.Place) -> Decision? {
        switch place {
        case .anywhere, .unresolved, .oneOf, .database(0): nil
        case .database(let index):
            Decision(access: .primary, reason: .elsewhere(placement?.databases[index] ?? ""), place: place)
        case .several, .missing, .unknown: Decision(access: .primary, reason: .severalDatabases, place: place)
        }
    }

    /// What it counts as where a split is observed.
    private func crossing(
        _ sql: String, _ shapes: [StatementShape], _ whole: StatementClassifier.Classified, _ path: SearchPathID,
        _ clues: TextClues
    ) -> [CrossingStep] {
        guard let cut = placement?.cut, !shapes.isEmpty else { return [] }
        let path = paths.path(path)
        let parts =
            shapes.count == 1 ? [whole] : StatementClassifier.classifyEach(shapes, path, catalog, rules, clues)
        return CrossingSteps(cut: cut, catalog: catalog).steps(sql, shapes, parts, path)
    }

    /// For what the parser refuses: to the primary, and nothing good is assumed of it.
    package static func unread(_ text: UnsafeBufferPointer<UInt8>, _ error: SQLSyntaxError) -> Decision {
        var reason = RouteReason.tooLong
        if case .tooLarge = error.reason {
        } else {
            // The parser's message may quote a constant.
            let place = error.line.map { " at line \($0)" } ?? ""
            reason = .notParsed((error.reason == .syntax ? "syntax error" : "unreadable") + place)
        }
        return Decision(
            access: .primary, effects: SessionWords.effects(in: text).union(.settings), reason: reason,
            readsAnything: true, writesAnything: true)
    }
}
