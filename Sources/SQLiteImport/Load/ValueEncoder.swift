import GRDBSQLite

/// One value of a column, from SQLite into COPY's text. Every value either arrives as it is, or is refused with a reason;
/// none is cut, rounded or guessed.
struct ValueEncoder {
    let type: TargetType
    let unit: TimeUnit?
    let emptyIsNull: Bool

    init(_ mapping: ColumnMapping) { (type, unit, emptyIsNull) = (mapping.type, mapping.unit, mapping.emptyIsNull) }

    /// Appends the value, or throws after having appended nothing that counts (the caller cuts the buffer back).
    @inline(__always)
    func append(_ statement: OpaquePointer, _ column: Int32, to buffer: CopyBuffer) throws(RejectReason) {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: try append(sqlite3_column_int64(statement, column), to: buffer)
        case SQLITE_FLOAT: try append(sqlite3_column_double(statement, column), to: buffer)
        case SQLITE_TEXT:
            let start = sqlite3_column_text(statement, column)
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
            try append(text: bytes, to: buffer)
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(statement, column)
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
            try append(blob: bytes, to: buffer)
        default: buffer.appendNull()
        }
    }

    // MARK: Numbers

    func append(_ value: Int64, to buffer: CopyBuffer) throws(RejectReason) {
        switch type {
        case .bigint, .text, .json, .jsonb: buffer.append(value)
        case .other:
            buffer.append(value)
            guard type.isInterval else { return }
            guard let name = unit?.intervalName else { throw .noUnit }
            buffer.append(plain: name)
        case .integer: try append(value, within: Int64(Int32.min)...Int64(Int32.max), .outOfRange, to: buffer)
        case .smallint: try append(value, within: Int64(Int16.min)...Int64(Int16.max), .outOfRange, to: buffer)
        case .doublePrecision: try append(value, within: -(1 << 53)...(1 << 53), .losesDigits, to: buffer)
        case .real: try append(value, within: -(1 << 24)...(1 << 24), .losesDigits, to: buffer)
        case .numeric(let precision, let scale):
            if let precision, String(value.magnitude).count > precision - (scale ?? 0), value != 0 { throw .outOfRange }
            buffer.append(value)
        case .boolean:
            guard value == 0 || value == 1 else { throw .notBoolean }
            buffer.append(value == 1 ? UInt8(ascii: "t") : UInt8(ascii: "f"))
        case .varchar(let length):
            if let length, String(value).count > length { throw .tooLong }
            buffer.append(value)
        case .timestamp, .timestamptz, .date:
            guard let unit else { throw .noUnit }
            try append(epoch: unit.microseconds(value), to: buffer)
        case .time: throw .notATime
        case .uuid: throw .notAUUID
        case .bytea: throw .notABlob
        }
    }

    @inline(__always)
    private func append(
        _ value: Int64, within range: ClosedRange<Int64>, _ reason: RejectReason, to buffer: CopyBuffer
    ) throws(RejectReason) {
        guard range.contains(value) else { throw reason }
        buffer.append(value)
    }

    func append(_ value: Double, to buffer: CopyBuffer) throws(RejectReason) {
        switch type {
        case .doublePrecision: append(plain: value, to: buffer)
        case .real:
            guard Double(Float(value)) == value else { throw .losesDigits }
            append(plain: value, to: buffer)
        case .numeric(let precision, let scale):
            guard value.isFinite else { throw .infinite }
            let digits = DecimalDigits(value)
            if let scale = precision == nil ? nil : scale ?? 0, digits.fraction > scale { throw .losesDigits }
            if let precision, digits.whole > precision - (scale ?? 0) { throw .outOfRange }
            append(plain: value, to: buffer)
        case .text: append(plain: value, to: buffer)
        case .other:
            if type.isInterval { throw .noUnit }
            append(plain: value, to: buffer)
        case .varchar(let length):
            let start = buffer.count
            append(plain: value, to: buffer)
            if let length, buffer.count - start > length { throw .tooLong }
        case .json, .jsonb:
            guard value.isFinite else { throw .notJSON }
            append(plain: value, to: buffer)
        case .bigint, .integer, .smallint:
            guard value.magnitude <= 9_007_199_254_740_992, let whole = Int64(exactly: value) else {
                throw .notAnInteger
            }
            try append(whole, to: buffer)
        case .timestamp, .timestamptz, .date: try append(epoch: microseconds(value), to: buffer)
        case .boolean: throw .notBoolean
        case .time: throw .notATime
        case .uuid: throw .notAUUID
        case .bytea: throw .notABlob
        }
    }

    /// The shortest text that reads as the same double.
    private func append(plain value: Double, to buffer: CopyBuffer) {
        if value.isFinite {
            buffer.append(plain: value.description)
        } else {
            buffer.append(plain: value < 0 ? "-Infinity" : "Infinity")
        }
    }

    /// Days in the range of julianday(), else seconds with a fraction where the unit is seconds.
    private func microseconds(_ value: Double) throws(RejectReason) -> Int64? {
        switch ValueClass.of(real: value) {
        case .julianDay, .wholeJulianDay: return TimeUnit.microseconds(julianDay: value)
        case .wholeReal, .real:
            guard unit == .seconds, value.magnitude < 1e11 else { throw .noUnit }
            return Int64((value * 1_000_000).rounded())
        default: throw .notATimestamp
        }
    }

    // MARK: Text and blobs

    func append(text bytes: UnsafeRawBufferPointer, to buffer: CopyBuffer) throws(RejectReason) {
        switch type {
        case .text: try append(checked: bytes, longest: nil, to: buffer)
        case .other:
            if type.isInterval { return try append(interval: bytes, to: buffer) }
            try append(checked: bytes, longest: nil, to: buffer)
        case .varchar(let length): try append(checked: bytes, longest: length, to: buffer)
        case .bytea: buffer.append(blob: bytes)
        default:
            if bytes.isEmpty {
                guard emptyIsNull else { throw .empty }
                return buffer.appendNull()
            }
            try append(typed: bytes, to: buffer)
        }
    }

    private func append(
        checked bytes: UnsafeRawBufferPointer, longest: Int?, to buffer: CopyBuffer
    ) throws(RejectReason) {
        let scan = TextScan(bytes)
        guard scan.isValid else { throw .invalidUTF8 }
        guard !scan.hasNUL else { throw .nul }
        if let longest, scan.characters > longest { throw .tooLong }
        buffer.append(text: bytes)
    }

    private func append(typed bytes: UnsafeRawBufferPointer, to buffer: CopyBuffer) throws(RejectReason) {
        switch type {
        case .bigint, .integer, .smallint:
            guard kind(bytes) == .integerText, let value = Int64(String(decoding: bytes, as: UTF8.self)) else {
                throw .notAnInteger
            }
            try append(value, to: buffer)
        case .doublePrecision, .real, .numeric: try append(number: bytes, to: buffer)
        case .boolean:
            guard kind(bytes).isBooleanText, let value = TextClass.boolean(bytes) else { throw .notBoolean }
            buffer.append(value ? UInt8(ascii: "t") : UInt8(ascii: "f"))
        case .date, .timestamp, .timestamptz:
            guard let time = TimeText(bytes), let epoch = time.epoch else {
                throw type == .date ? .notADate : .notATimestamp
            }
            try append(epoch: epoch, to: buffer)
        case .time:
            guard let time = TimeText(bytes),
                let ofDay = time.days == nil ? time.microseconds : unit?.microseconds(time),
                0..<86_400_000_000 ~= ofDay
            else { throw .notATime }
            buffer.append(timeOfDay: ofDay)
        case .uuid:
            guard TextClass.isUUID(bytes) || TextClass.isHex(bytes) else { throw .notAUUID }
            buffer.append(text: bytes)
        case .json, .jsonb:
            guard TextScan(bytes).isValid, TextClass.isJSON(bytes) else { throw .notJSON }
            buffer.append(text: bytes)
        case .text, .varchar, .bytea, .other: break
        }
    }

    private func kind(_ bytes: UnsafeRawBufferPointer) -> ValueClass { TextClass.of(bytes, TextScan(bytes)) }

    private func append(number bytes: UnsafeRawBufferPointer, to buffer: CopyBuffer) throws(RejectReason) {
        let kind = kind(bytes)
        guard kind == .integerText || kind == .decimalText else { throw .notANumber }
        let digits = DecimalDigits(text: bytes)
        switch type {
        case .numeric(let precision?, let scale):
            if digits.fraction > scale ?? 0 { throw .losesDigits }
            if digits.whole > precision - (scale ?? 0) { throw .outOfRange }
        case .doublePrecision: if digits.whole + digits.fraction > 15 { throw .losesDigits }
        case .real: if digits.whole + digits.fraction > 6 { throw .losesDigits }
        default: break
        }
        buffer.append(text: bytes)
    }

    func append(blob bytes: UnsafeRawBufferPointer, to buffer: CopyBuffer) throws(RejectReason) {
        switch type {
        case .bytea: buffer.append(blob: bytes)
        case .uuid:
            guard bytes.count == 16 else { throw .notAUUID }
            buffer.append(hex: bytes)
        default: throw .isBlob
        }
    }

    // MARK: Times

    /// Where numbers count a unit, a text is none; without one, PostgreSQL takes no day and time for an interval.
    private func append(interval bytes: UnsafeRawBufferPointer, to buffer: CopyBuffer) throws(RejectReason) {
        if let unit {
            guard let passed = unit.microseconds(TimeText(bytes)) else { throw .notATime }
            buffer.append(passed)
            return buffer.append(plain: " microseconds")
        }
        if kind(bytes) == .timestampText { throw .noUnit }
        try append(checked: bytes, longest: nil, to: buffer)
    }

    private func append(epoch microseconds: Int64?, to buffer: CopyBuffer) throws(RejectReason) {
        guard let microseconds, TimeUnit.range.contains(microseconds) else { throw .outOfRange }
        switch type {
        case .date:
            guard microseconds % 86_400_000_000 == 0 else { throw .notADate }
            buffer.append(day: microseconds / 86_400_000_000)
        case .timestamp: buffer.append(timestamp: microseconds)
        default:
            buffer.append(timestamp: microseconds)
            buffer.append(ascii: "+00")
        }
    }
}
