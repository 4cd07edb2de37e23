internal import SQLSyntax

/// Names for groups: the word that their tables begin with, the concern that they speak of, or the table at their centre.
struct GroupNames {
    let scope: SuggestionScope
    let builder: TieBuilder

    enum Basis: Equatable {
        /// So many tables begin with the word, which is written like this in front of what follows.
        case prefix(String, tables: Int)
        /// So many have the word somewhere.
        case word(String, tables: Int)
        case concept(String, tables: Int)
        case records(tables: Int)
        case eventStore
        case centre(String)
    }

    struct Chosen: Equatable {
        var name: String
        var basis: Basis
    }

    /// One for each group, in their order.
    func names(for groups: [[Int]]) -> [Chosen] {
        var taken = Set(scope.catalog.schemas.values.map(\.name))
        // A schema named like a role comes first in that role's search_path ("$user"), and would change what names mean.
        taken.formUnion(scope.catalog.roles.values.map(\.name))
        let incoming = innerKeys(groups)
        return groups.map { members in
            let centres = self.centres(of: members, counts: incoming)
            let common = basis(for: members)
            var stem = common?.stem ?? pluralName(centres[0])
            if taken.contains(Self.identifier(stem)) {
                // Better the name of another table than a number.
                for centre in centres.prefix(3) where !taken.contains(Self.identifier(pluralName(centre))) {
                    stem = pluralName(centre)
                    break
                }
            }
            let basis = common?.basis ?? .centre(scope.nodes[centres[0]].relation.name)
            return Chosen(name: Self.unique(Self.identifier(stem), &taken), basis: basis)
        }
    }

    /// nil without a word in common: then the table at the centre gives the name.
    private func basis(for members: [Int]) -> (stem: String, basis: Basis)? {
        let words = members.map { scope.nodes[$0].words }
        let recorded = members.count { builder.records.contains($0) }
        if recorded * 2 > members.count { return ("audit", .records(tables: recorded)) }
        if members.count == 1, TieBuilder.isEventStore(scope.nodes[members[0]], scope.catalog) {
            return ("eventstore", .eventStore)
        }
        if let (word, count) = mostCommon(words.compactMap(\.first)), count * 5 >= members.count * 3, count > 1 {
            return (spelling(of: word, members), .prefix(word, tables: count))
        }
        let concepts = Concept.all.map { concept in (concept, words.count(where: concept.covers)) }
        if let (concept, count) = concepts.max(by: { $0.1 < $1.1 }), count > 1, count * 2 >= members.count {
            return (concept.name, .concept(concept.subject, tables: count))
        }
        if let (word, count) = mostCommon(words.flatMap { Set($0) }), count * 5 >= members.count * 3, count > 1 {
            return (spelling(of: word, members), .word(word, tables: count))
        }
        return nil
    }

    private func pluralName(_ node: Int) -> String {
        let parts = NameWords.parts(scope.nodes[node].relation.name)
        return (parts.dropLast() + [NameWords.plural(parts.last ?? "context")]).joined(separator: "_")
    }

    /// Words that too many tables have say nothing about one group.
    private func mostCommon(_ words: [String]) -> (String, Int)? {
        var counts: [String: Int] = [:]
        for word in words where builder.words[word] != nil && word.count > 1 { counts[word, default: 0] += 1 }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
    }

    /// `orders` where a table is called so, `billing` where the word only stands before others.
    private func spelling(of word: String, _ members: [Int]) -> String {
        let alone = members.contains { scope.nodes[$0].words == [word] }
        return alone ? NameWords.plural(word) : word
    }

    private func innerKeys(_ groups: [[Int]]) -> [Int: (incoming: Int, all: Int)] {
        var groupOf: [Int: Int] = [:]
        for (number, members) in groups.enumerated() {
            for member in members { groupOf[member] = number }
        }
        var counts: [Int: (incoming: Int, all: Int)] = [:]
        for key in scope.keys where groupOf[key.from] != nil && groupOf[key.from] == groupOf[key.to] {
            counts[key.to, default: (0, 0)].incoming += 1
            counts[key.to, default: (0, 0)].all += 1
            counts[key.from, default: (0, 0)].all += 1
        }
        return counts
    }

    /// The members, those first that most others of the group point to.
    private func centres(of members: [Int], counts: [Int: (incoming: Int, all: Int)]) -> [Int] {
        members.sorted { one, other in
            let (left, right) = (counts[one] ?? (0, 0), counts[other] ?? (0, 0))
            return (right.incoming, right.all, one) < (left.incoming, left.all, other)
        }
    }

    /// A plain SQL name of at most 50 bytes.
    private static func identifier(_ stem: String) -> String {
        let letters = stem.lowercased().unicodeScalars.filter {
            $0 == "_" || ("a"..."z").contains($0) || ("0"..."9").contains($0)
        }
        var name = String(String.UnicodeScalarView(letters)).split(separator: "_").joined(separator: "_")
        name = String(name.prefix(50))
        if name.isEmpty || name.hasPrefix("pg_") || name == "pg" { name = "context" + (name.isEmpty ? "" : "_" + name) }
        if name.first?.isNumber == true { name = "s_" + name }
        if ["strata", "information_schema"].contains(name) { name += "_tables" }
        // `order` and `user` need quotes everywhere; what PostgreSQL allows as it is may stay.
        if SQL.identifier(name) != name {
            let plural = NameWords.plural(name)
            name = SQL.identifier(plural) == plural ? plural : name + "_tables"
        }
        return name
    }

    private static func unique(_ name: String, _ taken: inout Set<String>) -> String {
        var candidate = name
        var number = 2
        while !taken.insert(candidate).inserted {
            candidate = "\(name)_\(number)"
            number += 1
        }
        return candidate
    }
}
