import SQLSyntax

extension RoutingCatalog {
    /// A catalog in the making.
    struct Parts {
        var isKnown = false
        var token = ""
        var searchPaths = SearchPathDefaults()
        var names = NameIndex()
        var guardedSchemas: [UInt32: Set<String>] = [:]
        var incoming: Set<String> = []
        var leaving: Set<String> = []
        var left: Set<String> = []
        var copies: Set<QualifiedName> = []
        var relations: [UInt32: RoutingRelation] = [:]
        var shims: Set<UInt32> = []
        var functions: [UInt32: RoutingFunction] = [:]
        var operators: [NameKey: [UInt32]] = [:]
        var types: [NameKey: RoutingType] = [:]
        var ambientFunctions: [UInt32] = []
        var eventTriggerFunctions: [UInt32] = []
        var onRead: [UInt32: Touches] = [:]
        var onWrite: [UInt32: Touches] = [:]
        var cascades: [UInt32: [UInt32]] = [:]
        var referencing: [UInt32: [UInt32]] = [:]
        var children: [UInt32: [UInt32]] = [:]
        var parents: [UInt32: [UInt32]] = [:]

        mutating func add(_ relation: RoutingRelation) {
            relations[relation.oid] = relation
            names.addRelation(relation.oid, relation.schema, relation.name)
        }

        mutating func add(_ function: RoutingFunction) {
            functions[function.oid] = function
            names.addFunction(function.oid, function.schema, function.name)
        }

        mutating func addChild(_ child: UInt32, of parent: UInt32) {
            children[parent, default: []].append(child)
            parents[child, default: []].append(parent)
        }

        /// Reading a parent reads its children: one that replicas do not have keeps it on the primary.
        func reluctantParents() -> [UInt32: RouteReason] {
            var result: [UInt32: RouteReason] = [:]
            for child in parents.keys {
                guard let relation = relations[child] else { continue }
                let reason: RouteReason
                if relation.persistence == .unlogged {
                    reason = .unloggedTable(relation.name)
                } else if relation.kind == .foreignTable {
                    reason = .systemState(relation.name)
                } else {
                    continue
                }
                var level = parents[child] ?? []
                while let parent = level.popLast() {
                    guard result.updateValue(reason, forKey: parent) == nil else { continue }
                    level += parents[parent] ?? []
                }
            }
            return result
        }
    }
}
