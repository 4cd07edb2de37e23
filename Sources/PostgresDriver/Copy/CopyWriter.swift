import Synchronization

/// The receiving end of `copyIn`. Gathers small writes; a write returns when the data has gone to the network or fits
/// the buffer of 64 kB. For one task at a time, and only until the body of `copyIn` returns.
package final class CopyWriter: Sendable {
    private static let bufferBytes = 1 << 16

    private let connection: Connection
    private let sql: String
    private let buffer = Mutex<[UInt8]>([])

    init(_ connection: Connection, _ sql: String) {
        self.connection = connection
        self.sql = sql
    }

    /// Bytes in the format that the COPY names; need not end with a whole row. Throws what the server says about
    /// earlier ones.
    package nonisolated(nonsending) func write(_ bytes: some Sequence<UInt8> & Sendable) async throws {
        try await send(atLeast: Self.bufferBytes) { $0.append(contentsOf: bytes) }
    }

    package nonisolated(nonsending) func write(_ text: String) async throws {
        try await send(atLeast: Self.bufferBytes) { $0.append(contentsOf: text.utf8) }
    }

    /// One row in COPY's text format (its default), with everything escaped that must be; nil is NULL.
    package nonisolated(nonsending) func write(row values: [String?]) async throws {
        try await send(atLeast: Self.bufferBytes) { CopyText.append(row: values, to: &$0) }
    }

    nonisolated(nonsending) func flush() async throws {
        try await send(atLeast: 1) { _ in }
    }

    private nonisolated(nonsending) func send(atLeast limit: Int, _ add: (inout [UInt8]) -> Void) async throws {
        let full = buffer.withLock { buffer -> [UInt8]? in
            add(&buffer)
            guard buffer.count >= limit else { return nil }
            defer { buffer = [] }
            return buffer
        }
        guard let full else { return }
        try await connection.step { [sql] in try $0.putCopyData(full, sql) }
    }
}

/// COPY's text format: tab between values, `\N` for NULL.
enum CopyText {
    static func append(row values: [String?], to bytes: inout [UInt8]) {
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "\t")) }
            guard let value else {
                bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "N")])
                continue
            }
            for byte in value.utf8 { append(byte, to: &bytes) }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\\"): letter = byte
        case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
        case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
        case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
        default:
            bytes.append(byte)
            return
        }
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(letter)
    }
}
