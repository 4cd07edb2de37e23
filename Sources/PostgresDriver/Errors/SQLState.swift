/// A five-character SQLSTATE, as PostgreSQL's appendix A lists them; only those that Strata acts on have names.
package struct SQLState: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    package init(stringLiteral value: String) { self.rawValue = value }

    package var description: String { rawValue }

    /// The first two characters: the class of the condition.
    package var conditionClass: Substring { rawValue.prefix(2) }

    package static let uniqueViolation: SQLState = "23505"
    package static let foreignKeyViolation: SQLState = "23503"
    package static let notNullViolation: SQLState = "23502"
    package static let checkViolation: SQLState = "23514"
    package static let invalidTransactionState: SQLState = "25000"
    package static let invalidStatementName: SQLState = "26000"
    package static let readOnlyTransaction: SQLState = "25006"
    package static let inFailedTransaction: SQLState = "25P02"
    package static let invalidAuthorization: SQLState = "28000"
    package static let invalidPassword: SQLState = "28P01"
    package static let objectInUse: SQLState = "55006"
    package static let invalidDatabase: SQLState = "3D000"
    package static let serializationFailure: SQLState = "40001"
    package static let deadlockDetected: SQLState = "40P01"
    package static let insufficientPrivilege: SQLState = "42501"
    package static let syntaxError: SQLState = "42601"
    package static let undefinedColumn: SQLState = "42703"
    package static let undefinedTable: SQLState = "42P01"
    package static let undefinedFunction: SQLState = "42883"
    package static let undefinedObject: SQLState = "42704"
    package static let duplicateTable: SQLState = "42P07"
    package static let duplicateObject: SQLState = "42710"
    package static let duplicateSchema: SQLState = "42P06"
    package static let invalidSchemaName: SQLState = "3F000"
    package static let dependentObjectsExist: SQLState = "2BP01"
    package static let featureNotSupported: SQLState = "0A000"
    package static let diskFull: SQLState = "53100"
    package static let outOfMemory: SQLState = "53200"
    package static let tooManyConnections: SQLState = "53300"
    package static let lockNotAvailable: SQLState = "55P03"
    package static let queryCanceled: SQLState = "57014"
    package static let adminShutdown: SQLState = "57P01"
    package static let crashShutdown: SQLState = "57P02"
    package static let cannotConnectNow: SQLState = "57P03"
    package static let idleInTransactionTimeout: SQLState = "25P03"
    package static let idleSessionTimeout: SQLState = "57P05"
    package static let badCopyFormat: SQLState = "22P04"
}
