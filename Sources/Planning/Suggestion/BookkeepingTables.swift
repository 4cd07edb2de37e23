/// Tables in which migration tools keep their books. They stay where the tool looks for them: `ignore:` in a layout.
package enum BookkeepingTables {
    package static func contains(_ name: String) -> Bool { names.contains(name.lowercased()) }

    /// Lower case. Prisma, Rails, Flyway, Liquibase, Django, Alembic, Knex, goose, bun, Entity Framework, sqlx, Sequelize,
    /// TypeORM, Drizzle, Diesel, Ecto and golang-migrate, node-pg-migrate, Kysely, MikroORM, Atlas, refinery, dbmate,
    /// Doctrine, Phinx, Laravel, Play, DbUp, Graphile, SQLAlchemy-migrate.
    private static let names: Set<String> = [
        "_prisma_migrations", "schema_migrations", "ar_internal_metadata", "flyway_schema_history", "schema_version",
        "databasechangelog", "databasechangeloglock", "django_migrations", "alembic_version", "knex_migrations",
        "knex_migrations_lock", "goose_db_version", "bun_migrations", "bun_migration_locks", "__efmigrationshistory",
        "_sqlx_migrations", "sequelizemeta", "typeorm_metadata", "__drizzle_migrations", "__diesel_schema_migrations",
        "pgmigrations", "kysely_migration", "kysely_migration_lock", "mikro_orm_migrations", "atlas_schema_revisions",
        "refinery_schema_history", "doctrine_migration_versions", "phinxlog", "migrations", "play_evolutions",
        "play_evolutions_lock", "schemaversions", "gorp_migrations", "graphile_migrations", "migrate_version",
        "umzug_migrations", "data_migrations", "schema_migrations_history",
    ]
}
