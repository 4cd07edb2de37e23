/// Who lists a name: what is under it in that schema, or in the one of its `from:`, is not for others to take.
struct EntryClaims {
    private struct Name: Hashable {
        var kind: ListedKind
        var name: String
    }

    private struct Claim {
        var schema: String
        var entry: ObjectEntry
    }

    private let claims: [Name: [Claim]]
    private let finder: CandidateFinder

    init(_ layout: Layout, _ finder: CandidateFinder) {
        var claims: [Name: [Claim]] = [:]
        for schema in layout.schemas {
            for kind in ListedKind.allCases {
                for entry in kind.entries(of: schema) {
                    claims[Name(kind: kind, name: entry.name), default: []].append(
                        Claim(schema: schema.name, entry: entry))
                }
            }
        }
        self.claims = claims
        self.finder = finder
    }

    func isListed(_ name: String, _ kind: ListedKind) -> Bool { claims[Name(kind: kind, name: name)] != nil }

    func isClaimed(_ candidate: Candidate, _ kind: ListedKind, by schema: String) -> Bool {
        claims(on: candidate, kind).contains { $0.schema == schema }
    }

    func isClaimed(_ candidate: Candidate, _ kind: ListedKind, from schema: String) -> Bool {
        claims(on: candidate, kind).contains { $0.entry.from == schema }
    }

    /// Those that mean it: an entry with arguments means one of several functions.
    private func claims(on candidate: Candidate, _ kind: ListedKind) -> [Claim] {
        (claims[Name(kind: kind, name: candidate.name)] ?? []).filter { claim in
            finder.catalog.functions[candidate.reference.oid].map { kind != .function || finder.means(claim.entry, $0) }
                ?? true
        }
    }

    /// Where the chain of `from:` begins; nil where it leads back to the schema that the entry is under.
    func origin(of entry: ObjectEntry, _ kind: ListedKind, target: String) -> String? {
        let claims = claims[Name(kind: kind, name: entry.name)] ?? []
        var seen: Set<String> = [target]
        var origin = target
        var next = entry.from
        while let schema = next {
            guard seen.insert(schema).inserted else { return nil }
            origin = schema
            let claim = claims.first { $0.schema == schema && $0.entry.arguments == entry.arguments }
            next = claim?.entry.from == schema ? nil : claim?.entry.from
        }
        return origin
    }
}
