/// Which words a text may begin with, and which it must not have, to get a literal-free key.
enum StatementKeyWords {
    /// Other statements name settings, files, channels, cursors and prepared statements, partly with constants.
    static let first = ["select", "insert", "update", "delete", "merge", "with", "values", "table"]

    /// Words that make constants decide what a statement is. Quoted or not, and whatever they are used for.
    static let refused =
        // The constant is the setting that is changed or asked for; a replica answers otherwise for some.
        ["set_config", "current_setting", "pg_settings"]
        // The constant is a relation's name, which `StatementShape.reads` has.
        + [
            "regclass", "to_regclass", "nextval", "currval", "setval", "pg_get_serial_sequence", "pg_relation_size",
            "pg_table_size", "pg_total_relation_size", "pg_indexes_size", "pg_relation_filenode",
            "pg_relation_filepath", "pg_sequence_last_value", "pg_partition_root", "pg_partition_tree",
            "pg_partition_ancestors", "pg_relation_is_publishable", "pg_relation_is_updatable",
            "pg_column_is_updatable", "row_security_active", "table_to_xml", "table_to_xmlschema",
            "table_to_xml_and_xmlschema", "pg_extension_config_dump", "brin_summarize_new_values",
            "brin_summarize_range", "brin_desummarize_range", "gin_clean_pending_list", "pg_index_has_property",
            "pg_index_column_has_property", "pg_get_replica_identity_index", "pg_prewarm", "pgstattuple",
            "pgstatindex", "has_table_privilege", "has_sequence_privilege", "has_any_column_privilege",
            "has_column_privilege",
        ]
        // The constant is SQL, or a schema to read, or another server's address.
        + [
            "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xmlschema",
            "schema_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema", "ts_stat", "ts_rewrite", "crosstab",
            "crosstab2", "crosstab3", "crosstab4", "connectby", "xpath_table", "dblink", "dblink_exec", "dblink_open",
            "dblink_connect", "dblink_connect_u", "dblink_send_query", "dblink_build_sql_insert",
            "dblink_build_sql_update", "dblink_build_sql_delete",
        ]

    private static let exact = Set(refused.map { Array($0.utf8) })

    /// The slow and exact answer, for a word that `StatementKeyTables` suspects; upper case is folded.
    static func isRefused(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        exact.contains(text[range].map(SQLTokens.lowercased))
    }
}

/// What the scanner looks up for each byte and each word. Made once, and never freed.
struct StatementKeyTables {
    /// A byte's class. Bit 6: it goes on in a word; bit 5 of those: it is an upper-case letter, and is also the bit that
    /// folds it.
    enum Class {
        static let word: UInt8 = 0x40
        static let upper: UInt8 = 0x60
        static let digit: UInt8 = 0x41
        static let dollar: UInt8 = 0x42
        static let beyondASCII: UInt8 = 0x44
        static let space: UInt8 = 1
        static let symbol: UInt8 = 2
        static let punctuation: UInt8 = 3
        static let string: UInt8 = 4
        static let quoted: UInt8 = 5
        static let point: UInt8 = 6
        static let colon: UInt8 = 7
        static let semicolon: UInt8 = 8
        /// No token begins with it.
        static let none: UInt8 = 0
    }

    let classes: UnsafePointer<UInt8>
    private let filter: UnsafePointer<UInt64>
    private let firstWords: UnsafeBufferPointer<UInt64>

    nonisolated(unsafe) static let shared = StatementKeyTables()

    /// Whether a word may be a refused one, from its first eight bytes (the first lowest, folded) and its length.
    @inline(__always)
    func suspects(_ head: UInt64, _ length: Int) -> Bool {
        let bit = Self.bit(head, length)
        return filter[bit >> 6] >> UInt64(bit & 63) & 1 == 1
    }

    /// Whether a statement may begin with the word; all of them have fewer than eight bytes.
    func isFirst(_ head: UInt64, _ length: Int) -> Bool {
        guard length < 8 else { return false }
        return firstWords.contains(head)
    }

    private static let filterBits = 12

    @inline(__always)
    private static func bit(_ head: UInt64, _ length: Int) -> Int {
        let mixed = (head ^ UInt64(truncatingIfNeeded: length) << 58) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> UInt64(64 - filterBits))
    }

    private init() {
        let classes = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for byte in 0...255 { classes[byte] = Self.classOf(UInt8(byte)) }
        self.classes = UnsafePointer(classes)
        let filter = UnsafeMutablePointer<UInt64>.allocate(capacity: 1 << (Self.filterBits - 6))
        filter.initialize(repeating: 0, count: 1 << (Self.filterBits - 6))
        for word in StatementKeyWords.refused {
            let bit = Self.bit(Self.head(word), word.utf8.count)
            filter[bit >> 6] |= 1 << UInt64(bit & 63)
        }
        self.filter = UnsafePointer(filter)
        let first = UnsafeMutablePointer<UInt64>.allocate(capacity: StatementKeyWords.first.count)
        for (index, word) in StatementKeyWords.first.enumerated() { first[index] = Self.head(word) }
        firstWords = UnsafeBufferPointer(start: first, count: StatementKeyWords.first.count)
    }

    private static func head(_ word: String) -> UInt64 {
        word.utf8.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func classOf(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x61...0x7A, 0x5F: Class.word
        case 0x41...0x5A: Class.upper
        case 0x30...0x39: Class.digit
        case 0x24: Class.dollar
        case 0x80...0xFF: Class.beyondASCII
        case 0x20, 0x09, 0x0A, 0x0C, 0x0D: Class.space
        case 0x27: Class.string
        case 0x22: Class.quoted
        case 0x2E: Class.point
        case 0x3A: Class.colon
        case 0x3B: Class.semicolon
        case 0x28, 0x29, 0x2C, 0x5B, 0x5D: Class.punctuation
        default: Array("+-*/<>=~!@#%^&|`?".utf8).contains(byte) ? Class.symbol : Class.none
        }
    }
}
