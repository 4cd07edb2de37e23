/// A function, procedure, aggregate or window function.
package struct Function: Sendable, Equatable {
    package enum Kind: String, Sendable { case function = "f", procedure = "p", aggregate = "a", window = "w" }
    package enum Volatility: String, Sendable { case immutable = "i", stable = "s", volatile = "v" }

    package var oid: OID
    package var schema: OID
    package var name: String
    package var kind: Kind
    package var owner: OID
    package var language: String
    /// `pg_get_function_identity_arguments`.
    package var identityArguments: String
    /// `pg_get_function_arguments`: with names and defaults.
    package var arguments: String
    /// `pg_get_function_result`; nil for procedures.
    package var result: String?
    /// Input argument types, as `format_type`; OUT and TABLE columns are not in it.
    package var inputTypes: [String]
    /// Names of all arguments and result columns, empty for those without; an empty list where none has one.
    package var argumentNames: [String]
    /// pg_proc.proargmodes, a letter for each argument; empty where all are IN.
    package var argumentModes: String
    package var hasOutArguments: Bool
    package var isVariadic: Bool
    package var isPolymorphic: Bool
    package var returnsSet: Bool
    package var returnsTrigger: Bool
    package var isStrict: Bool
    package var isSecurityDefiner: Bool
    package var isLeakproof: Bool
    package var volatility: Volatility
    package var parallel: String
    /// `procost`, in units of cpu_operator_cost.
    package var cost: Double
    /// `prorows`, the estimated rows of a set; 0 for others.
    package var rows: Double
    /// `prosrc`: the body of a string-bodied function. Empty for BEGIN ATOMIC.
    package var source: String
    /// BEGIN ATOMIC: bound by OID.
    package var bindsByOID: Bool
    /// `pg_get_functiondef`; empty for aggregates and languages whose bodies Strata does not read.
    package var definition: String
    /// `proconfig`: `name=value` entries.
    package var configuration: [String]
    package var grants: [Grant]
    package var userOwns: Bool

    package init(
        oid: OID, schema: OID, name: String, kind: Kind = .function, owner: OID, language: String,
        identityArguments: String = "", arguments: String = "", result: String? = nil, inputTypes: [String] = [],
        argumentNames: [String] = [], argumentModes: String = "", hasOutArguments: Bool = false,
        isVariadic: Bool = false, isPolymorphic: Bool = false, returnsSet: Bool = false,
        returnsTrigger: Bool = false, isStrict: Bool = false, isSecurityDefiner: Bool = false,
        isLeakproof: Bool = false, volatility: Volatility = .volatile, parallel: String = "u", cost: Double = 100,
        rows: Double = 0, source: String = "",
        bindsByOID: Bool = false, definition: String = "", configuration: [String] = [], grants: [Grant] = [],
        userOwns: Bool = true
    ) {
        self.oid = oid
        self.schema = schema
        self.name = name
        self.kind = kind
        self.owner = owner
        self.language = language
        self.identityArguments = identityArguments
        self.arguments = arguments
        self.result = result
        self.inputTypes = inputTypes
        self.argumentNames = argumentNames
        self.argumentModes = argumentModes
        self.hasOutArguments = hasOutArguments
        self.isVariadic = isVariadic
        self.isPolymorphic = isPolymorphic
        self.returnsSet = returnsSet
        self.returnsTrigger = returnsTrigger
        self.isStrict = isStrict
        self.isSecurityDefiner = isSecurityDefiner
        self.isLeakproof = isLeakproof
        self.volatility = volatility
        self.parallel = parallel
        self.cost = cost
        self.rows = rows
        self.source = source
        self.bindsByOID = bindsByOID
        self.definition = definition
        self.configuration = configuration
        self.grants = grants
        self.userOwns = userOwns
    }

    /// The value of `SET search_path` on the function, if it has one.
    package var searchPathSetting: String? {
        for entry in configuration where entry.hasPrefix("search_path=") {
            return String(entry.dropFirst("search_path=".count))
        }
        return nil
    }
}

package struct Trigger: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var relation: OID
    package var function: OID
    /// pg_trigger.tgenabled: O, D, R, A.
    package var enabled: String
    package var definition: String

    package init(oid: OID, name: String, relation: OID, function: OID, enabled: String = "O", definition: String = "") {
        self.oid = oid
        self.name = name
        self.relation = relation
        self.function = function
        self.enabled = enabled
        self.definition = definition
    }
}

package struct EventTrigger: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var event: String
    package var function: OID
    package var enabled: String
    /// Command tags it is limited to; empty means all.
    package var tags: [String]

    package init(oid: OID, name: String, event: String, function: OID, enabled: String, tags: [String]) {
        self.oid = oid
        self.name = name
        self.event = event
        self.function = function
        self.enabled = enabled
        self.tags = tags
    }
}

/// An enum, domain, range, base or free-standing composite type; the row types of tables and views are not listed.
///
/// A composite type is here under its pg_type OID, and a relation (`rowType` of which is that OID) under its pg_class OID.
package struct UserType: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case enumeration = "e", domain = "d", range = "r", multirange = "m", base = "b", composite = "c", pseudo = "p"

        package var keyword: String { self == .domain ? "DOMAIN" : "TYPE" }
    }

    package var oid: OID
    package var schema: OID
    package var name: String
    package var kind: Kind
    package var owner: OID
    /// Its array type, else 0: renamed and moved with it.
    package var arrayType: OID
    /// Enum labels in order; empty for others.
    package var labels: [String]
    /// Base type, default and NOT NULL of a domain, subtype of a range; empty for others.
    package var definition: String
    package var grants: [Grant]
    package var userOwns: Bool

    package init(
        oid: OID, schema: OID, name: String, kind: Kind, owner: OID, arrayType: OID = 0, labels: [String] = [],
        definition: String = "", grants: [Grant] = [], userOwns: Bool = true
    ) {
        self.oid = oid
        self.schema = schema
        self.name = name
        self.kind = kind
        self.owner = owner
        self.arrayType = arrayType
        self.labels = labels
        self.definition = definition
        self.grants = grants
        self.userOwns = userOwns
    }
}

package struct Policy: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var relation: OID
    /// Command, permissive or not, roles, USING and CHECK, as one line.
    package var definition: String

    package init(oid: OID, name: String, relation: OID, definition: String) {
        self.oid = oid
        self.name = name
        self.relation = relation
        self.definition = definition
    }
}

/// A rule other than the one that makes a view a view.
package struct Rule: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var relation: OID
    /// pg_rewrite.ev_enabled: O, D, R, A.
    package var enabled: String
    package var definition: String

    package init(oid: OID, name: String, relation: OID, enabled: String = "O", definition: String) {
        self.oid = oid
        self.name = name
        self.relation = relation
        self.enabled = enabled
        self.definition = definition
    }
}
