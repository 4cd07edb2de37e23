/// Follows what a statement does into views, functions, triggers, cascades and partitions, each once.
struct TouchWalk {
    private let catalog: RoutingCatalog
    private var seen: Set<UInt64> = []
    private var pending: [(Deed, UInt32)] = []

    /// Relations and other objects that the answer depends on.
    private(set) var reads: Set<UInt32> = []
    private(set) var readsAnything = false
    private(set) var writes: Set<UInt32> = []
    /// Tables whose children may be different as well.
    private(set) var writtenParents: Set<UInt32> = []
    private(set) var writesAnything = false
    private(set) var effects: Decision.Effects = []
    /// Why it must run on the primary; the first reason that was found.
    private(set) var demand: RouteReason?
    /// Rows or tables are locked, be that the first reason or not.
    private(set) var locksRows = false

    private enum Deed: UInt64 {
        case read, insert, change, call
    }

    init(_ catalog: RoutingCatalog) { self.catalog = catalog }

    mutating func read(_ relation: UInt32) { follow(.read, relation) }
    /// Rows only come into being: no foreign key acts.
    mutating func insert(into relation: UInt32) { follow(.insert, relation) }
    mutating func change(_ relation: UInt32) { follow(.change, relation) }
    mutating func call(_ function: UInt32) { follow(.call, function) }

    mutating func demandPrimary(_ reason: RouteReason) {
        if demand == nil { demand = reason }
        if case .locksRows = reason { locksRows = true }
    }

    mutating func add(_ effects: Decision.Effects) { self.effects.formUnion(effects) }

    mutating func touch(_ touches: Touches) {
        add(touches.effects)
        readsAnything = readsAnything || touches.readsAnything
        writesAnything = writesAnything || touches.writesAnything
        if touches.locksRows { demandPrimary(.locksRows) }
        for relation in touches.reads { enqueue(.read, relation) }
        for relation in touches.writes { enqueue(.change, relation) }
        for function in touches.calls { enqueue(.call, function) }
    }

    /// An object that is no relation, such as a type: what is known of it is only right where it exists already.
    mutating func depend(on object: UInt32) { reads.insert(object) }

    mutating func finish() {
        while let (deed, oid) = pending.popLast() { perform(deed, oid) }
    }

    private mutating func follow(_ deed: Deed, _ oid: UInt32) {
        enqueue(deed, oid)
        finish()
    }

    private mutating func enqueue(_ deed: Deed, _ oid: UInt32) {
        guard seen.insert(deed.rawValue << 32 | UInt64(oid)).inserted else { return }
        pending.append((deed, oid))
    }

    private mutating func perform(_ deed: Deed, _ oid: UInt32) {
        switch deed {
        case .read: performRead(oid)
        case .insert: performWrite(oid, changes: false)
        case .change: performWrite(oid, changes: true)
        case .call: performCall(oid)
        }
    }

    private mutating func performRead(_ oid: UInt32) {
        guard let relation = catalog.relations[oid] else { return demandPrimary(.unknownRelation("oid \(oid)")) }
        if let reason = catalog.primaryReason(toRead: relation) { demandPrimary(reason) }
        // A view's own OID stands for its definition, which a replica may not have yet.
        reads.insert(oid)
        if let touches = catalog.onRead[oid] { touch(touches) }
    }

    private mutating func performWrite(_ oid: UInt32, changes: Bool) {
        guard catalog.relations[oid] != nil else { return writesAnything = true }
        writes.insert(oid)
        for parent in catalog.ancestors(of: oid) { writes.insert(parent) }
        if let touches = catalog.onWrite[oid] { touch(touches) }
        if changes { for table in catalog.cascades[oid] ?? [] { enqueue(.change, table) } }
        guard let children = catalog.children[oid] else { return }
        writtenParents.insert(oid)
        for child in children { enterChild(child, changes: changes) }
    }

    /// The children's rows are marked by their parent's slot; their own triggers, keys and other parents count as well.
    private mutating func enterChild(_ oid: UInt32, changes: Bool) {
        guard seen.insert((changes ? 5 : 4) << 32 | UInt64(oid)).inserted else { return }
        for parent in catalog.ancestors(of: oid) { writes.insert(parent) }
        if let touches = catalog.onWrite[oid] { touch(touches) }
        if changes { for table in catalog.cascades[oid] ?? [] { enqueue(.change, table) } }
        for child in catalog.children[oid] ?? [] { enterChild(child, changes: changes) }
    }

    private mutating func performCall(_ oid: UInt32) {
        guard let function = catalog.functions[oid] else { return unknownFunction("oid \(oid)") }
        if function.needsPrimary { demandPrimary(catalog.primaryReason(toCall: function)) }
        if oid >= RoutingCatalog.firstUserOID { reads.insert(oid) }
        if function.looksAtCatalog { reads.insert(RoutingCatalog.definitions) }
        touch(function.touches)
    }

    mutating func unknownFunction(_ name: String) {
        demandPrimary(.unknownFunction(name))
        touch(.anything)
    }
}

extension TouchWalk {
    /// Slots that a read depends on: a table's own, and those of its parents, through which it may have been written.
    func readSlots(without lifted: Set<UInt32> = []) -> [UInt32] {
        var slots: [UInt32] = []
        for oid in reads where !lifted.contains(oid) {
            slots.append(RelationSlot.slot(of: oid))
            for parent in catalog.ancestors(of: oid) { slots.append(RelationSlot.descendants(of: parent)) }
        }
        return RelationSlot.sorted(slots)
    }

    var writeSlots: [UInt32] {
        RelationSlot.sorted(
            writes.map(RelationSlot.slot(of:)) + writtenParents.map(RelationSlot.descendants(of:)))
    }
}
