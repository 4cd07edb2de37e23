import SQLiteImport
import Testing

@Suite struct SourceAffinityTests {
    /// From https://www.sqlite.org/datatype3.html, 3.1.1, and the names that surprise.
    @Test(
        arguments: [
            ("INT", .integer), ("UNSIGNED BIG INT", .integer), ("VARCHAR(255)", .text), ("NATIVE CHARACTER(70)", .text),
            ("CLOB", .text), ("BLOB", .blob), ("", .blob), ("DOUBLE PRECISION", .real), ("FLOAT", .real),
            ("DECIMAL(10,5)", .numeric), ("BOOLEAN", .numeric), ("DATETIME", .numeric), ("FLOATING POINT", .integer),
            ("STRING", .numeric), ("JSONB", .numeric), ("uuid", .numeric), ("CHARINT", .integer),
        ] as [(String, SourceAffinity)])
    func affinity(_ declared: String, _ expected: SourceAffinity) {
        #expect(SourceAffinity(declared: declared) == expected)
    }
}
