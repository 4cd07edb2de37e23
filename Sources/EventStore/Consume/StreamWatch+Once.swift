package import PostgresDriver

extension StreamWatch {
    /// Tells other processes of what this one has appended, once, for a process that ends then.
    package static func tell(_ parts: [AppendedPart], schema: EventSchema, on settings: ConnectionSettings) async throws
    {
        let ends = Dictionary(parts.map { ($0.stream, $0.positions.upperBound) }) { max($0, $1) }
        let connection = try await Connection.open(settings.settings(["application_name": "strata events"]))
        do {
            _ = try await connection.query(
                "SELECT pg_notify($1, $2)",
                [.text(GrowthMessage.channel), .text(GrowthMessage(schema: schema.name, ends: ends).text)])
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }
}
