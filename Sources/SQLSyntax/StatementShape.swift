/// What one statement is to somebody who stands between a client and its servers: what it names, and what it does to the
/// session and the transaction. Syntax only: names are not looked up.
package struct StatementShape: Sendable, Equatable {
    package var kind: Kind
    /// Relations that are read, without common table expressions; those that are written are not in it unless they are
    /// read as well (UPDATE and DELETE read what they write).
    ///
    /// Relations that a string constant names are in it, as in `pg_relation_size('t')`, `'t'::regclass` and `nextval('s')`;
    /// the function is in `functions`. Each name once, as in the other lists.
    package var reads: [QualifiedName] = []
    /// Relations whose rows the statement itself inserts, changes, deletes, truncates or locks (LOCK TABLE, not FOR UPDATE).
    /// Of `definition` and `maintenance` the relations that are defined, altered, dropped or worked on.
    package var writes: [QualifiedName] = []
    /// Functions that are called, procedures too; the schema is nil where none was written.
    package var functions: [QualifiedName] = []
    /// Operators that were written as `OPERATOR(schema.name)`, or whose name PostgreSQL itself does not have.
    package var operators: [QualifiedName] = []
    /// Types that a value is cast to and that are not PostgreSQL's own: their input functions run.
    package var types: [QualifiedName] = []
    /// FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE.
    package var locksRows = false
    /// Settings that `set_config('name', …)` names with constants, in lower case.
    package var configuredSettings: [String] = []
    /// `set_config` is called with a name that only the server will know, or the view `pg_settings` is updated.
    package var configuresUnknownSetting = false
    /// The prepared statement that CREATE TABLE … AS EXECUTE runs, which `kind` has no room for.
    package var executes: PreparedName?
    /// The database that nobody else may be connected to: of DROP DATABASE, ALTER DATABASE … RENAME or SET TABLESPACE, and
    /// the template of CREATE DATABASE.
    package var claimedDatabase: String?
    /// A relation that stays is made by SELECT INTO, which is `write`: it is in `writes`, and no catalog knows it yet.
    package var definesRelation = false
    /// Schemas that a definition names otherwise than before a relation: CREATE SCHEMA s, CREATE FUNCTION s.f, DROP TYPE
    /// s.t, GRANT … ON SCHEMA s, ON ALL TABLES IN SCHEMA s, SET SCHEMA s.
    package var schemas: [String] = []

    package init(_ kind: Kind) { self.kind = kind }

    package enum Kind: Sendable, Equatable {
        /// SELECT, VALUES and TABLE, with nothing in it that writes.
        case select
        /// INSERT, UPDATE, DELETE, MERGE, also below WITH, and SELECT INTO a table that stays (`creates` is the temp
        /// variant: SELECT INTO TEMP, CREATE TEMP … of any kind).
        case write
        case createTemporary
        case begin(TransactionModes)
        case commit(chain: Bool)
        case rollback(chain: Bool)
        case savepoint(String)
        case rollbackTo(String)
        case release(String)
        case prepareTransaction
        /// COMMIT PREPARED, ROLLBACK PREPARED.
        case finishPrepared
        /// SET, also SET LOCAL, TIME ZONE, NAMES, ROLE, SESSION AUTHORIZATION; the name as PostgreSQL stores it
        /// (`timezone`, `client_encoding`, `role`, `session_authorization`), in lower case. SET … TO DEFAULT is `reset`,
        /// but SET LOCAL … TO DEFAULT is `set`, for it ends with the transaction.
        case set(name: String, isLocal: Bool)
        /// SET TRANSACTION; SET TRANSACTION SNAPSHOT has `importsSnapshot`.
        case setTransaction(TransactionModes)
        /// SET SESSION CHARACTERISTICS AS TRANSACTION.
        case setSessionCharacteristics
        case setConstraints
        /// nil: RESET ALL.
        case reset(name: String?)
        case show
        case discardAll, discardPlans, discardSequences, discardTemporary
        /// PREPARE: the name, and where it stands in the text (bytes, quotes included).
        /// What it prepares is in the other fields, though nothing of it is executed yet.
        case prepare(name: String, place: Range<Int>)
        /// Also below EXPLAIN, with and without ANALYZE.
        case execute(name: String, place: Range<Int>)
        /// nil: DEALLOCATE ALL; the place is that of ALL then.
        case deallocate(name: String?, place: Range<Int>)
        case listen, unlisten(all: Bool), notify
        /// DECLARE: what its query is, is in the other fields. A cursor's query that writes or locks has `locksRows` or
        /// `writes`.
        case declareCursor(isHeld: Bool)
        /// FETCH, MOVE.
        case fetch
        /// nil: CLOSE ALL.
        case closeCursor(name: String?)
        /// COPY … TO; from a query with what that reads. `isProgram` is true for a file of the server, too.
        case copyTo(isProgram: Bool)
        case copyFrom
        /// EXPLAIN without ANALYZE: nothing is executed, and what would be written is in `reads`. EXPLAIN ANALYZE has the
        /// kind of what it explains; of DECLARE that is the kind of the query, for no cursor is made.
        case explain
        case lockTable
        case call
        case doBlock
        /// CREATE, ALTER, DROP, GRANT, REFRESH, COMMENT, TRUNCATE is `write` …
        case definition
        /// VACUUM, ANALYZE, CLUSTER, REINDEX, CHECKPOINT.
        case maintenance
        case load
        case other
    }

    /// The name of a prepared statement, and where it stands in the text (bytes, quotes included).
    package struct PreparedName: Sendable, Equatable {
        package var name: String
        package var place: Range<Int>

        package init(name: String, place: Range<Int>) {
            self.name = name
            self.place = place
        }
    }

    package struct TransactionModes: Sendable, Equatable {
        package enum Isolation: String, Sendable, Equatable {
            case readUncommitted = "read uncommitted"
            case readCommitted = "read committed"
            case repeatableRead = "repeatable read"
            case serializable
        }
        /// nil: as the session's default.
        package var isolation: Isolation?
        package var isReadOnly: Bool?
        package var isDeferrable: Bool?
        /// SET TRANSACTION SNAPSHOT: the snapshot is one of the server that exported it, and so the primary's business.
        package var importsSnapshot = false

        package init(
            isolation: Isolation? = nil, isReadOnly: Bool? = nil, isDeferrable: Bool? = nil,
            importsSnapshot: Bool = false
        ) {
            self.isolation = isolation
            self.isReadOnly = isReadOnly
            self.isDeferrable = isDeferrable
            self.importsSnapshot = importsSnapshot
        }
    }
}

/// What a text asks of whoever routes it, in comments.
package struct StatementDirectives: Sendable, Equatable {
    package enum Target: Sendable, Equatable {
        case primary
        case replica
    }
    /// `/* strata:primary */`, `/* strata:replica */`.
    package var target: Target?
    /// sqlcommenter's tags (`/*route='%2Fapi%2Fprojects',action='list'*/`), decoded; at most 32.
    package var tags: [String: String] = [:]

    package init() {}
}
