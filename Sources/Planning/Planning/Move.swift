internal import SQLSyntax

/// One object that changes its schema.
package struct Move: Sendable, Equatable {
    package enum Object: Sendable, Equatable {
        case relation(Relation.Kind)
        case type(UserType.Kind)
        case function(Function.Kind)
        case statistics
    }

    package var object: Object
    package var oid: OID
    package var name: String
    package var from: String
    package var to: String
    /// Why it moves: listed in the layout, or it belongs to something that is.
    package var cause: Cause
    package var place: SourcePlace

    package enum Cause: Sendable, Equatable {
        case listed
        /// A partition, inheritance child, extended statistics object or sequence of this table.
        case follows(OID)
    }

    package var oldName: String { display(from, name) }
    package var newName: String { display(to, name) }

    /// An enum or a range: operators that take any such type do not take the domain that is left under its old name.
    package var isPartlyShimmedType: Bool {
        if case .type(let kind) = object { kind != .domain } else { false }
    }

    package var isTable: Bool {
        if case .relation(let kind) = object { kind.isTable } else { false }
    }
}

/// `schema.name` for people: as stored, quoted only where SQL would need it.
package func display(_ schema: String, _ name: String) -> String {
    SQL.qualified(schema, name)
}
