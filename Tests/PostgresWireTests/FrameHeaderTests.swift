import PostgresWire
import Testing

@Suite("Frames")
struct FrameHeaderTests {
    private func read(_ bytes: [UInt8]) -> FrameHeader.Reading { bytes.withUnsafeBytes { FrameHeader.read($0) } }

    @Test("a header is read from five bytes on")
    func header() {
        let sync: [UInt8] = [FrontendTag.sync, 0, 0, 0, 4]
        for count in 0..<5 { #expect(read(Array(sync.prefix(count))) == .needsMore) }
        #expect(read(sync) == .header(FrameHeader(tag: FrontendTag.sync, bodyCount: 0)))
        let large: [UInt8] = [FrontendTag.copyData, 0x7F, 0xFF, 0xFF, 0xFF, 1]
        #expect(read(large) == .header(FrameHeader(tag: FrontendTag.copyData, bodyCount: 0x7FFF_FFFB)))
    }

    @Test("negative and too small lengths are refused", arguments: [-2_147_483_648, -1, 0, 3] as [Int32])
    func invalid(_ length: Int32) {
        let bytes = [FrontendTag.query] + withUnsafeBytes(of: length.bigEndian) { Array($0) }
        #expect(read(bytes) == .invalid(tag: FrontendTag.query, length: length))
    }

    @Test("a cursor gives nil beyond the end, and never moves over it")
    func cursor() {
        let bytes: [UInt8] = [0, 5, 0x61, 0, 0x62]
        bytes.withUnsafeBytes { raw in
            var cursor = ByteCursor(raw)
            #expect(cursor.int32() == 0x0005_6100)
            #expect(cursor.int16() == nil)
            #expect(cursor.cString() == nil)
            #expect(cursor.take(2) == nil)
            #expect(cursor.take(-1) == nil)
            #expect(cursor.byte() == 0x62)
            #expect(cursor.byte() == nil)
            #expect(cursor.isAtEnd)
        }
        bytes.withUnsafeBytes { raw in
            var cursor = ByteCursor(raw)
            #expect(cursor.int16() == 5)
            #expect(cursor.string() == "a")
            #expect(Array(cursor.takeRest()) == [0x62])
            #expect(cursor.remaining == 0)
        }
    }

    @Test("a text with a zero within does not end a message early")
    func zeroWithin() {
        var writer = MessageWriter()
        writer.message(FrontendTag.query) { $0.string("a\0b") }
        #expect(writer.bytes == [FrontendTag.query, 0, 0, 0, 7, 0x61, 0x62, 0])
    }
}
