// What stands around tables: replication, extensions, roles, settings, comments, dependencies.

package struct Publication: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var allTables: Bool
    /// Tables published by name (FOR TABLE).
    package var tables: [OID]
    /// Schemas published as a whole (FOR TABLES IN SCHEMA, 15 and later).
    package var schemas: [OID]
    /// Operations published, and row filters and column lists by table (15 and later), as one line.
    package var definition: String

    package init(
        oid: OID, name: String, allTables: Bool, tables: [OID], schemas: [OID], definition: String = ""
    ) {
        self.oid = oid
        self.name = name
        self.allTables = allTables
        self.tables = tables
        self.schemas = schemas
        self.definition = definition
    }
}

package struct Subscription: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var isEnabled: Bool
    package var tables: [OID]

    package init(oid: OID, name: String, isEnabled: Bool, tables: [OID]) {
        self.oid = oid
        self.name = name
        self.isEnabled = isEnabled
        self.tables = tables
    }
}

package struct Extension: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var version: String
    package var schema: OID

    package init(oid: OID, name: String, version: String, schema: OID) {
        self.oid = oid
        self.name = name
        self.version = version
        self.schema = schema
    }
}

package struct ForeignServer: Sendable, Equatable {
    package var oid: OID
    package var name: String
    /// Name of the foreign-data wrapper, for example `postgres_fdw`.
    package var wrapper: String
    /// Options `host`, `hostaddr`, `port` and `dbname`, where they are set; no others are read.
    package var host: String?
    package var port: String?
    package var remoteDatabase: String?

    package init(
        oid: OID, name: String, wrapper: String, host: String? = nil, port: String? = nil,
        remoteDatabase: String? = nil
    ) {
        self.oid = oid
        self.name = name
        self.wrapper = wrapper
        self.host = host
        self.port = port
        self.remoteDatabase = remoteDatabase
    }
}

/// Where this server can be reached as far as is known: for foreign servers that point back to it.
package struct ServerEndpoint: Sendable, Hashable {
    /// Lower case; empty for the unix socket and every name of the machine itself.
    package var host: String
    package var port: String

    package init(host: String, port: String) {
        self.host = host
        self.port = port
    }
}

package struct DefaultPrivilege: Sendable, Equatable {
    package var oid: OID
    /// The role whose new objects it is for.
    package var role: OID
    /// 0 for defaults of every schema.
    package var schema: OID
    /// pg_default_acl.defaclobjtype: r, S, f, T, n.
    package var objectType: String
    package var grants: [Grant]

    package init(oid: OID, role: OID, schema: OID, objectType: String, grants: [Grant]) {
        self.oid = oid
        self.role = role
        self.schema = schema
        self.objectType = objectType
        self.grants = grants
    }
}

package struct Role: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var isSuperuser: Bool
    package var canLogin: Bool
    package var bypassesRowSecurity: Bool
    /// Roles it is a member of, directly.
    package var memberOf: [OID]
    /// Those of them whose rights it has without SET ROLE: by its INHERIT before 16, by each membership's own since.
    package var inheritsFrom: [OID]
    /// Whether the connected user can act as it (is a member or superuser).
    package var userIsMember: Bool

    package init(
        oid: OID, name: String, isSuperuser: Bool = false, canLogin: Bool = true, bypassesRowSecurity: Bool = false,
        memberOf: [OID] = [], inheritsFrom: [OID]? = nil, userIsMember: Bool = true
    ) {
        self.oid = oid
        self.name = name
        self.isSuperuser = isSuperuser
        self.canLogin = canLogin
        self.bypassesRowSecurity = bypassesRowSecurity
        self.memberOf = memberOf
        self.inheritsFrom = inheritsFrom ?? memberOf
        self.userIsMember = userIsMember
    }
}

/// A row of pg_db_role_setting: 0 stands for every database or every role.
package struct ConfigurationSetting: Sendable, Equatable {
    package var database: OID
    package var role: OID
    package var name: String
    package var value: String

    package init(database: OID, role: OID, name: String, value: String) {
        self.database = database
        self.role = role
        self.name = name
        self.value = value
    }
}

package struct Comment: Sendable, Equatable {
    package var object: ObjectReference
    /// Column number, 0 for the object itself.
    package var subobject: Int32
    package var text: String

    package init(object: ObjectReference, subobject: Int32, text: String) {
        self.object = object
        self.subobject = subobject
        self.text = text
    }
}

/// A row of pg_depend between user objects: `dependent` needs `referenced`.
///
/// Left out is what the other values say already: an object's schema, its owner's table, the tables and indexes of a key,
/// the parts that an object is made of. The rule behind a view stands as the view itself (a relation); a column's default
/// has the table's OID, with the column in `dependentColumn`.
package struct Dependency: Sendable, Hashable {
    package var dependent: ObjectReference
    package var dependentColumn: Int32
    package var referenced: ObjectReference
    package var referencedColumn: Int32
    /// pg_depend.deptype: n, a, i, e, x, P, S.
    package var type: String

    package init(
        dependent: ObjectReference, dependentColumn: Int32 = 0, referenced: ObjectReference,
        referencedColumn: Int32 = 0,
        type: String
    ) {
        self.dependent = dependent
        self.dependentColumn = dependentColumn
        self.referenced = referenced
        self.referencedColumn = referencedColumn
        self.type = type
    }
}

package struct OtherObject: Sendable, Equatable {
    /// `collation`, `operator`, `text search configuration`, …
    package var kind: String
    package var schema: OID
    package var name: String
    /// As dependencies refer to it; nil where that is not needed.
    package var reference: ObjectReference?
    /// Whether it belongs to an extension.
    package var isExtensionMember: Bool

    package init(
        kind: String, schema: OID, name: String, reference: ObjectReference? = nil, isExtensionMember: Bool = false
    ) {
        self.kind = kind
        self.schema = schema
        self.name = name
        self.reference = reference
        self.isExtensionMember = isExtensionMember
    }
}

package struct ScheduledCommand: Sendable, Equatable {
    package var id: Int64
    package var name: String
    package var command: String

    package init(id: Int64, name: String, command: String) {
        self.id = id
        self.name = name
        self.command = command
    }
}
