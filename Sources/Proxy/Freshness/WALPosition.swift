/// A place in a server's write-ahead log: bytes since the beginning of the log, as PostgreSQL prints it (`16/B374D848`).
package struct WALPosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let bytes: UInt64

    package init(bytes: UInt64) { self.bytes = bytes }

    /// Nil when the text is not a `pg_lsn`.
    package init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16)
        else { return nil }
        bytes = UInt64(high) << 32 | UInt64(low)
    }

    package var description: String {
        String(bytes >> 32, radix: 16, uppercase: true) + "/"
            + String(bytes & 0xFFFF_FFFF, radix: 16, uppercase: true)
    }

    package static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
}

/// How a server cuts its log: set when it was compiled (pages) and by initdb (segments).
package struct WALGeometry: Sendable, Hashable {
    /// Bytes, a power of two: 8192 unless compiled otherwise.
    package let page: UInt64
    /// Bytes, a power of two: 16 MiB unless initdb was told otherwise.
    package let segment: UInt64

    package static let usual = WALGeometry(page: 8192, segment: 16 << 20)

    package init(page: UInt64, segment: UInt64) {
        self.page = page
        self.segment = segment
    }

    /// The end of the last record before an insert position.
    ///
    /// `pg_current_wal_insert_lsn()` is where the next record will *begin*. When the last record ends exactly with its
    /// page, that is behind the next page's header, while a replica that has replayed the last record stands before it
    /// and stays there until something more is written. A record never ends inside a header, so the position just
    /// behind one always means "nothing on this page yet".
    func endOfRecord(before insert: WALPosition) -> WALPosition {
        // The sizes of PostgreSQL's page headers: long in the first page of a segment, short in all others.
        let (long, short): (UInt64, UInt64) = (40, 24)
        if insert.bytes & (segment - 1) == long { return WALPosition(bytes: insert.bytes - long) }
        if insert.bytes & (page - 1) == short { return WALPosition(bytes: insert.bytes - short) }
        return insert
    }
}
