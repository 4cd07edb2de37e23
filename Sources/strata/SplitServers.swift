import Engine
import Planning
import PostgresDriver

/// Looks at both servers of each split that a plan prepares.
struct SplitServers {
    let global: GlobalOptions
    let layout: Layout

    /// - Returns: the reports, with what the servers lack; one that cannot be reached is an obstacle, and no error.
    func fill(_ splits: [SplitReport], source connection: Connection) async throws -> [SplitReport] {
        let source = try await SplitServerReader.read(connection, name: layout.mainDatabase)
        var targets: [String: Result<SplitServer, any Error>] = [:]
        var filled = splits
        for (index, split) in splits.enumerated() {
            let known = targets[split.database]
            let target = if let known { known } else { await read(split.database) }
            targets[split.database] = target
            switch target {
            case .success(let server):
                filled[index].requirements = SplitRequirements.check(split, source: source, target: server)
            case .failure(let error):
                filled[index].requirements = [
                    SplitRequirements.unreachable(split.database, Workplace.summary(of: error))
                ]
            }
        }
        return filled
    }

    private func read(_ name: String) async -> Result<SplitServer, any Error> {
        do {
            let settings = try Workplace(global).settings(ofOther: layout.databases.first { $0.name == name }, name)
            let connection = try await Connection.open(settings.settings(["connect_timeout": "5"]))
            do {
                let server = try await SplitServerReader.read(connection, name: name)
                await connection.close()
                return .success(server)
            } catch {
                await connection.close()
                return .failure(error)
            }
        } catch { return .failure(error) }
    }
}
