import PostgresWire
import TestSupport

extension ConversationGenerator {
    /// A text with as many parameters as there are values.
    private mutating func parameterized() -> (sql: String, values: [String]) {
        let id = "\(random.below(25))"
        let t = "t\(client)"
        switch random.below(12) {
        case 0: return ("SELECT id, name FROM \(t) WHERE id < $1 ORDER BY id", [id])
        case 1: return ("SELECT $1::text || 'x', $2::int", ["a", id])
        case 2: return ("INSERT INTO \(t) VALUES ($1, $2, 1)", [id, "v"])
        case 3: return ("UPDATE \(t) SET name = $2 WHERE id = $1 RETURNING *", [id, "w"])
        case 4: return ("SELECT generate_series(1, $1::int)", [id])
        case 5: return ("SELECT 10 / $1::int", ["\(random.below(3))"])
        default: return (sql(), [])
        }
    }

    /// A run of messages without their Sync: mostly whole, sometimes with one missing, twice, or wrong.
    mutating func extended() -> [UInt8] {
        let (text, values) = parameterized()
        let (name, portal) = (random.pick(names), random.pick(portals))
        var messages: [[UInt8]] = []
        // A tame one defines statements with a name by `definition` only.
        if name.isEmpty || (!isTame && random.once(in: 2)) {
            if !name.isEmpty, random.once(in: 2) { messages.append(WireClient.close("S", name)) }
            messages.append(WireClient.parse(name, random.once(in: 20) ? text + "; SELECT 2" : text))
        }
        if random.once(in: 3) { messages.append(WireClient.describe("S", name)) }
        let given = random.once(in: 15) ? values + ["9"] : values
        messages.append(bind(portal, name, given))
        if random.once(in: 2) { messages.append(WireClient.describe("P", portal)) }
        if random.once(in: 5) { messages.append(execute(portal, 2)) }
        messages.append(execute(portal, random.once(in: 4) ? 1 + random.below(3) : 0))
        if random.once(in: 4) { messages.append(WireClient.close("P", portal)) }
        if !isTame || name.isEmpty, random.once(in: 8) { messages.append(WireClient.close("S", name)) }
        if random.once(in: 12), !messages.isEmpty { messages.remove(at: random.below(messages.count)) }
        if random.once(in: 15) { messages.append(WireClient.describe(random.pick(["S", "P"]), "unknown")) }
        if random.once(in: 15) { messages.insert(WireClient.flush, at: random.below(messages.count)) }
        return messages.flatMap { $0 }
    }

    /// A statement with a name, defined where nothing can go wrong before.
    mutating func definition() -> [UInt8] {
        let name = random.pick(names.filter { !$0.isEmpty })
        return WireClient.query("ROLLBACK") + WireClient.close("S", name) + WireClient.sync
            + WireClient.parse(name, parameterized().sql) + WireClient.sync
    }

    private mutating func bind(_ portal: String, _ statement: String, _ values: [String]) -> [UInt8] {
        var writer = MessageWriter()
        let isBinary = random.once(in: 4)
        writer.message(FrontendTag.bind) { body in
            body.string(portal)
            body.string(statement)
            body.int16(0)
            body.int16(Int16(values.count))
            for value in values {
                body.int32(Int32(value.utf8.count))
                body.raw(value.utf8)
            }
            body.int16(isBinary ? 1 : 0)
            if isBinary { body.int16(1) }
        }
        return writer.bytes
    }

    private func execute(_ portal: String, _ rows: Int) -> [UInt8] {
        WireClient.message("E", Array(portal.utf8) + [0] + WireClient.int32(Int32(rows)))
    }

    /// Several units at once, with and without errors in the middle.
    mutating func pipeline() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(2 + random.below(4)) {
            for _ in 0..<(1 + random.below(2)) { bytes += extended() }
            bytes += WireClient.sync
        }
        return bytes
    }

    /// Extended and simple messages without a Sync between them.
    mutating func mixed() -> [UInt8] {
        var bytes = extended()
        bytes += WireClient.query(sql())
        if random.once(in: 2) { bytes += extended() + WireClient.sync }
        return bytes
    }

    mutating func functionCall() -> [UInt8] {
        var writer = MessageWriter()
        // abs(integer), and a number that no function has.
        let function: Int32 = random.once(in: 4) ? 1 : 1397
        writer.message(FrontendTag.functionCall) { body in
            body.int32(function)
            body.int16(0)
            body.int16(1)
            body.int32(2)
            body.raw("-7".utf8)
            body.int16(0)
        }
        return writer.bytes
    }

    mutating func copyIn() -> ConversationStep {
        let sql = "COPY u\(client) (note) FROM STDIN"
        let rows = (0..<random.below(4)).map { "copied \($0)\n" } + (random.once(in: 4) ? ["a\tb\n"] : [])
        var data = rows.flatMap { WireClient.message("d", Array($0.utf8)) }
        data += random.once(in: 4) ? WireClient.message("f", Array("given up\0".utf8)) : WireClient.message("c")
        guard random.once(in: 2) else { return .copyIn(WireClient.query(sql), data: data) }
        let start = WireClient.parse("", sql) + WireClient.bind() + WireClient.execute() + WireClient.flush
        return .copyIn(start, data: data + WireClient.sync)
    }
}
