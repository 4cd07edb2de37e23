/// What is no table: named, with what can be done.
extension TargetBuilder {
    mutating func others() {
        for object in source.others {
            let (kind, reason, nextStep) = words(object)
            leave(
                kind, object.name, of: object.table, object.problem ?? reason, sql: object.sql ?? "", nextStep: nextStep
            )
        }
    }

    private func words(_ object: SourceObject) -> (TargetObject.Kind, String, String) {
        switch object.kind {
        case .view:
            (
                .view, "queries of SQLite's may mean something else in PostgreSQL",
                "CREATE VIEW with the query in PostgreSQL's words"
            )
        case .trigger:
            (
                .trigger, "SQLite's triggers are programs in SQLite's SQL",
                "write it as a function and a trigger of PostgreSQL's"
            )
        case .virtualTable:
            (
                .virtualTable, "its rows are a module's of SQLite",
                "see what the module does: full text is tsvector with a GIN index, an R-tree is a GiST index"
            )
        case .shadowTable:
            (.shadowTable, "a virtual table keeps its rows there", "nothing: it goes with its virtual table")
        case .unreadable:
            (
                .unreadableTable, "SQLite cannot read it",
                "mend the file, or copy the table with a program that can read it"
            )
        }
    }
}
