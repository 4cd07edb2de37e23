import EventStore
import Foundation
import Planning
import PostgresDriver

/// The projections of a layout that a command works on, with their stores and databases.
struct ProjectPlace {
    struct Entry {
        var projection: Projection
        var stream: EventStream
        var reader: EventReader
        var store: EventPlace
        /// Where its tables are.
        var target: ConnectionSettings
    }

    let workplace: Workplace
    let entries: [Entry]

    /// Runs a command's body; what was opened for it is closed.
    ///
    /// - Parameter names: of the projections; empty: all of them.
    static func with(
        _ global: GlobalOptions, _ names: [String], _ body: (ProjectPlace) async throws -> Void
    ) async throws {
        let workplace = Workplace(global)
        let layout = try workplace.layout()
        let chosen = try choose(names, layout)
        let files = ProjectionFiles(layout: global.layout)
        // What is wrong with files is said before a server is asked.
        let statements = try chosen.map { try files.statements(of: $0) }
        let main = try await workplace.settings(layout)
        var stores: [String: (place: EventPlace, reader: EventReader)] = [:]
        do {
            var entries: [Entry] = []
            for (projection, statements) in zip(chosen, statements) {
                let place = try await workplace.settings(ofStore: projection.store, layout)
                let store = stores[projection.store] ?? open(projection.store, place, workplace)
                stores[projection.store] = store
                try await store.place.requireStore()
                let target = try settings(of: projection, layout, main, workplace)
                entries.append(try await entry(projection, statements, store, target))
            }
            try await body(ProjectPlace(workplace: workplace, entries: entries))
        } catch {
            await close(stores.values)
            throw ProjectFailure.readable(error)
        }
        await close(stores.values)
    }

    private static func choose(_ names: [String], _ layout: Layout) throws -> [ProjectionLayout] {
        guard !layout.projections.isEmpty else {
            throw EventFailure.diagnostic(
                "no-projection", "the layout \(layout.file) declares no projection",
                "add one under `projections:`; docs/layout-file.md has an example")
        }
        if names.isEmpty { return layout.projections }
        var chosen: [ProjectionLayout] = []
        for name in names where !chosen.contains(where: { $0.name == name }) {
            guard let found = layout.projections.first(where: { $0.name == name }) else {
                throw EventFailure.diagnostic(
                    "projection", "the layout \(layout.file) declares no projection \(DiagnosticText.printable(name))",
                    "there are: \(layout.projections.map(\.name).joined(separator: ", "))")
            }
            chosen.append(found)
        }
        return chosen
    }

    private static func open(
        _ store: String, _ settings: ConnectionSettings, _ workplace: Workplace
    ) -> (place: EventPlace, reader: EventReader) {
        let place = EventPlace(workplace, EventSchema(name: store), settings)
        return (place, EventReader(settings, schema: place.schema))
    }

    private static func settings(
        of projection: ProjectionLayout, _ layout: Layout, _ main: ConnectionSettings, _ workplace: Workplace
    ) throws -> ConnectionSettings {
        let home = layout.schemas.first { $0.name == projection.schema }?.database ?? layout.mainDatabase
        guard home != layout.mainDatabase else { return main }
        return try workplace.settings(ofOther: layout.databases.first { $0.name == home }, home)
    }

    private static func entry(
        _ declared: ProjectionLayout, _ statements: [String: [ProjectionStatement]],
        _ store: (place: EventPlace, reader: EventReader), _ target: ConnectionSettings
    ) async throws -> Entry {
        var owner = OrganizationOption()
        owner.organization = declared.organization
        let organization = try await store.place.organization(owner)
        let stream = try await store.place.stream(declared.stream, of: organization)
        var projection = Projection(
            declared.name, of: stream.id, organization.id, statements: statements,
            onError: declared.onError == .stop ? .stop : .deadLetter, schema: declared.schema)
        projection.tables = declared.tables.map(\.value)
        for column in declared.notCompared {
            projection.notCompared[column.value.table, default: []].insert(column.value.name)
        }
        return Entry(
            projection: projection, stream: stream, reader: store.reader, store: store.place, target: target)
    }

    private static func close(
        _ stores: some Collection<(place: EventPlace, reader: EventReader)>
    ) async {
        for store in stores {
            await store.reader.close()
            await store.place.directory.close()
        }
    }
}

extension Workplace {
    /// Of the database that has an event store: the layout says so of one, the main one has the others.
    func settings(ofStore schema: String, _ layout: Layout?) async throws -> ConnectionSettings {
        guard let layout, let events = layout.events, events.schema == schema, options.url == nil,
            let home = events.database, home != layout.mainDatabase
        else { return try await settings(layout) }
        return try settings(ofOther: layout.databases.first { $0.name == home }, home)
    }
}

extension EventPlace {
    init(_ workplace: Workplace, _ schema: EventSchema, _ settings: ConnectionSettings) {
        (self.workplace, self.schema, self.settings) = (workplace, schema, settings)
        directory = Directory(settings, schema: schema)
    }
}
