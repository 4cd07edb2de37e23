package import SQLSyntax

/// A foreign key that no constraint enforces: a trigger beside the parent writes down which keys go or change, and a worker
/// does to the child's rows what is declared, soon after, in whichever database they are. Data only.
package struct LooseKey: Sendable, Hashable {
    package typealias Table = LooseKeyLayout.Table
    package typealias OnDelete = LooseKeyLayout.OnDelete
    package typealias OnUpdate = LooseKeyLayout.OnUpdate

    package var parent: Table
    package var parentColumns: [String]
    /// As `format_type` writes them, one for each of the parent's columns.
    package var types: [String]
    package var child: Table
    package var childColumns: [String]
    package var onDelete: OnDelete
    package var onUpdate: OnUpdate
    /// Where the layout places the child.
    package var childDatabase: String
    /// The real key that it takes the place of; nil where there is none (any more).
    package var constraint: String?

    /// The columns are kept in one order, so that one key has one name however it was written.
    package init(
        parent: Table, child: Table, pairs: [(parent: String, child: String, type: String)], onDelete: OnDelete,
        onUpdate: OnUpdate, childDatabase: String, constraint: String? = nil
    ) {
        let pairs = pairs.sorted { $0.child < $1.child }
        (self.parent, self.child) = (parent, child)
        (parentColumns, childColumns, types) = (pairs.map(\.parent), pairs.map(\.child), pairs.map(\.type))
        (self.onDelete, self.onUpdate) = (onDelete, onUpdate)
        (self.childDatabase, self.constraint) = (childDatabase, constraint)
    }

    /// `audit.events(user_id) -> public.users(id)`: what it is called everywhere.
    package var name: String {
        "\(child)(\(childColumns.joined(separator: ", "))) -> \(parent)(\(parentColumns.joined(separator: ", ")))"
    }

    /// Whether anything has to be written down.
    package var acts: Bool { onDelete != .ignore || onUpdate != .ignore }
    /// Changes build on each other, so they are done in their order; deletions need none.
    package var isOrdered: Bool { onUpdate != .ignore }

    /// The same on every machine: triggers of one key have the same names wherever its parent is.
    var mark: String {
        var hash = FNV1a128()
        hash.add(name.utf8)
        return String(hash.hexadecimal.prefix(16))
    }
}

extension LooseKeyLayout.Table {
    package var sql: String { SQL.qualified(schema, name) }
}
