import Engine
import Foundation
import Planning

/// What `strata split keys` shows, for people and for machines.
struct LooseKeyOutput {
    var status: LooseKeyStatus

    /// `audit.events(user_id) -> public.users(id): set NULL`.
    static func line(_ key: LooseKey) -> String { "  \(key.name): \(action(key))" }

    static func action(_ key: LooseKey) -> String {
        let deletion =
            switch key.onDelete {
            case .delete: "delete"
            case .setNull: "set NULL"
            case .ignore: "leave alone"
            }
        return key.onUpdate == .update ? deletion + ", follow changes" : deletion
    }

    func text(_ style: TextStyle) -> String {
        guard !status.keys.isEmpty else {
            return "No loose keys. strata plan shows which foreign keys cross a cut.\n"
        }
        return status.keys.map { text($0, style) }.joined(separator: "\n") + "\n"
    }

    private func text(_ key: LooseKeyStatus.Key, _ style: TextStyle) -> String {
        let record = key.record
        let scan =
            record.scannedAt.map {
                record.orphans == 0 ? "no orphans (\($0))" : style.red("\(counted(record.orphans, "orphan")) (\($0))")
            } ?? "not looked at yet"
        let place = "\(key.parentDatabase ?? "nowhere") to \(key.childDatabase ?? "nowhere")"
        var lines = [
            style.wrap(record.key.name, indentation: 4, first: 0),
            style.wrap(
                "\(record.state.rawValue); \(Self.action(record.key)); \(place); \(scan)", indentation: 2),
        ]
        if key.queued > 0 {
            let waiting = "\(counted(key.queued, "entry", "entries")) waiting, the oldest for \(Self.age(key.lag ?? 0))"
            lines.append(style.wrap(waiting, indentation: 2))
        }
        if key.failing > 0 {
            let text = "\(counted(key.failing, "entry", "entries")) failing: \(key.error ?? "")"
            lines.append(style.red(style.wrap(text, indentation: 4, first: 2)))
        }
        return lines.joined(separator: "\n")
    }

    /// Whole units, at least two of each but of seconds.
    static func age(_ seconds: Double) -> String {
        let whole = Int64(max(0, min(seconds, 1e15)))
        for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("min", 60)] where whole >= 2 * length {
            return "\(grouped(whole / length)) \(unit)"
        }
        return "\(whole) s"
    }

    private struct Machine: Encodable {
        var name: String
        var parent: String
        var parentColumns: [String]
        var parentDatabase: String?
        var child: String
        var childColumns: [String]
        var childDatabase: String?
        var onDelete: String
        var onUpdate: String
        var state: String
        var constraint: String?
        var orphans: Int
        var scannedRows: Int
        var scannedAt: String?
        var queued: Int
        var lagSeconds: Double?
        var failing: Int
        var error: String?
    }

    func json() throws -> String {
        let keys = status.keys.map { key in
            Machine(
                name: key.record.key.name, parent: key.record.key.parent.description,
                parentColumns: key.record.key.parentColumns, parentDatabase: key.parentDatabase,
                child: key.record.key.child.description, childColumns: key.record.key.childColumns,
                childDatabase: key.childDatabase, onDelete: key.record.key.onDelete.rawValue,
                onUpdate: key.record.key.onUpdate.rawValue, state: key.record.state.rawValue,
                constraint: key.record.key.constraint, orphans: key.record.orphans, scannedRows: key.record.scannedRows,
                scannedAt: key.record.scannedAt, queued: key.queued, lagSeconds: key.lag, failing: key.failing,
                error: key.error)
        }
        return try JSONOutput.text(keys)
    }
}
