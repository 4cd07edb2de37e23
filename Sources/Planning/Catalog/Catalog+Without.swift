extension Catalog {
    /// What is there beside a schema, and what is in it, for those who only list what there is.
    package func without(schema: OID) -> Catalog {
        var rest = self
        rest.schemas[schema] = nil
        rest.relations = relations.filter { $0.value.schema != schema }
        rest.functions = functions.filter { $0.value.schema != schema }
        rest.types = types.filter { $0.value.schema != schema }
        rest.otherObjects.removeAll { $0.schema == schema }
        rest.extendedStatistics.removeAll { $0.schema == schema }
        rest.columns = columns.filter { rest.relations[$0.key] != nil }
        rest.sequences = sequences.filter { rest.relations[$0.key] != nil }
        rest.indexes = indexes.filter { rest.relations[$0.value.table] != nil }
        rest.triggers.removeAll { rest.relations[$0.relation] == nil }
        rest.policies.removeAll { rest.relations[$0.relation] == nil }
        rest.constraints.removeAll { $0.relation != 0 && rest.relations[$0.relation] == nil }
        return rest
    }
}
