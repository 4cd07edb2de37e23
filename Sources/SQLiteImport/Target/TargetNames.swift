import SQLSyntax

/// Names that PostgreSQL takes: at most 63 bytes, none empty, none twice.
package enum TargetNames {
    /// The name itself where it fits and is free; else its beginning, `_` and eight digits of a hash of the whole: the same
    /// for the same name each time.
    package static func fitted(_ name: String, isTaken: (String) -> Bool = { _ in false }) -> String {
        if SQL.fits(name), !isTaken(name) { return name }
        for attempt in 0... {
            let hash = hash(attempt == 0 ? name : "\(name)\u{0}\(attempt)")
            let candidate = prefix(of: name.isEmpty ? "unnamed" : name, bytes: SQL.maxIdentifierBytes - 9) + "_" + hash
            if !isTaken(candidate) { return candidate }
        }
        return name
    }

    /// Cut between characters.
    private static func prefix(of name: String, bytes: Int) -> String {
        var scalars = String.UnicodeScalarView()
        var length = 0
        for scalar in name.unicodeScalars where scalar != "\0" {
            length += UTF8.width(scalar)
            if length > bytes { break }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    /// FNV-1a of 32 bits.
    private static func hash(_ text: String) -> String {
        let value = text.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Columns that every table of PostgreSQL has already.
    package static let systemColumns: Set<String> = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"]
}

/// Which names are taken, by schema for tables and indexes, by table for constraints.
struct NameBook {
    private var taken: Set<[String]> = []

    init(existing: [String: Set<String>] = [:]) {
        for (schema, names) in existing { for name in names { taken.insert([schema, name]) } }
    }

    mutating func reserve(_ place: [String], _ name: String) -> Bool { taken.insert(place + [name]).inserted }

    /// A free name at all the places, which is then taken at all of them.
    mutating func take(_ name: String, at places: [String]...) -> String {
        let free = TargetNames.fitted(name) { candidate in places.contains { taken.contains($0 + [candidate]) } }
        for place in places { taken.insert(place + [free]) }
        return free
    }
}
