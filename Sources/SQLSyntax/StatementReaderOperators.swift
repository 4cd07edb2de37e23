/// The names of PostgreSQL's own operators. An operator with another name is somebody's function.
enum BuiltInOperators {
    /// `SELECT DISTINCT oprname FROM pg_operator` of PostgreSQL 15.18, and `!=`, which its scanner turns into `<>`.
    static let names = """
        !! != !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<| \
        <= <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= \
        ~>=~ ~>~ ~~ ~~*
        """

    /// Each name as a number, its bytes from the low end: none has more than four.
    private static let packed: Set<UInt32> = Set(
        names.split(separator: " ").map { name in name.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) } })

    /// Whether a string of the parser's JSON, still escaped, is the name of one of them.
    static func contains(json: [UInt8], _ range: Range<Int>) -> Bool {
        var value: UInt32 = 0
        var length: UInt32 = 0
        var position = range.lowerBound
        while position < range.upperBound {
            var byte = json[position]
            if byte == 0x5C {
                // `<` and `>` are written as `\u003c` and `\u003e`; a name has no byte that is escaped otherwise.
                guard position + 6 <= range.upperBound, json[position + 1] == 0x75 else { return false }
                byte = hexDigit(json[position + 4]) << 4 | hexDigit(json[position + 5])
                position += 5
            }
            guard length < 4 else { return false }
            value |= UInt32(byte) << (length * 8)
            length += 1
            position += 1
        }
        return value == 0x3D || packed.contains(value)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8 {
        byte <= 0x39 ? byte & 0x0F : (byte & 0x0F) + 9
    }
}
