import EventStore
import Foundation

/// What Redis runs: entries are added if the stream's last id is the one that they follow, and otherwise none is.
///
/// A script and not a pipeline of XADDs: of two relays one of which does not know yet that it has lost its lease, or of entries
/// one of which is refused (`OOM`) and the next is not, there could be an entry too early, and Redis would refuse the one
/// before it for ever.
enum RelayScript {
    /// Gives the stream's last id, which is that of the last entry if they were added.
    ///
    /// `KEYS`: the stream. `ARGV`: the id that they follow; the length to which it is trimmed, about, 0 for none; the stream's
    /// name; the organisation; then for each entry its id and the seven words of `words`.
    private static let text = """
        local key, last = KEYS[1], '0-0'
        if redis.call('EXISTS', key) == 1 then
          local info = redis.pcall('XINFO', 'STREAM', key)
          if info.err then return info end
          for i = 1, #info, 2 do
            if info[i] == 'last-generated-id' then last = info[i + 1] end
          end
        end
        if #ARGV == 0 or last ~= ARGV[1] then return last end
        for i = 5, #ARGV, 8 do
          local entry = {'id', ARGV[i + 1], 'stream', ARGV[3], 'position', ARGV[i + 2], 'type', ARGV[i + 3]}
          local n = 8
          local function put(name, value)
            entry[n + 1], entry[n + 2] = name, value
            n = n + 2
          end
          if ARGV[i + 4] ~= '' then put('key', string.sub(ARGV[i + 4], 2)) end
          put('at', ARGV[i + 5])
          put('payload', ARGV[i + 6])
          put('metadata', ARGV[i + 7])
          put('organization', ARGV[4])
          local added = redis.pcall('XADD', key, ARGV[i], unpack(entry))
          if type(added) == 'table' and added.err then return added end
          last = ARGV[i]
        end
        if ARGV[2] ~= '0' then redis.call('XTRIM', key, 'MAXLEN', '~', ARGV[2]) end
        return last
        """

    /// Asks for the last id alone.
    static func look(_ key: String) -> [String] { ["EVAL", text, "1", key] }

    /// - Parameter longest: nil: it is never trimmed.
    static func add(
        _ events: [StoredEvent], to key: String, behind mark: RelayMark, longest: Int?, stream: String,
        organization: UUID
    ) -> [String] {
        var command = ["EVAL", text, "1", key, mark.description, String(longest ?? 0), stream]
        command.reserveCapacity(command.count + 1 + events.count * 8)
        command.append(organization.uuidString.lowercased())
        for event in events { command += words(event) }
        return command
    }

    private static func words(_ event: StoredEvent) -> [String] {
        let mark = RelayMark(event)
        return [
            mark.description, event.id.uuidString.lowercased(), String(event.position), event.type,
            // An event may have an empty key, which is another thing than none.
            event.key.map { "=" + $0 } ?? "",
            EventTime.text(milliseconds: mark.milliseconds), event.payload, event.metadata,
        ]
    }
}
