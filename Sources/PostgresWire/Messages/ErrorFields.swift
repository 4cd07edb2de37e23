/// The fields of an ErrorResponse or NoticeResponse.
package struct ErrorFields: Equatable, Sendable {
    /// `ERROR`, `FATAL`, `PANIC`, or `WARNING`, `NOTICE` …, never translated (field V; S of servers before 9.6).
    package var severity: String
    /// SQLSTATE, five characters.
    package var code: String
    package var message: String
    package var detail: String?
    package var hint: String?
    /// Fields that are not looked at, with their type byte, in order.
    package var others: [Other]

    package struct Other: Equatable, Sendable {
        package var type: UInt8
        package var value: String

        package init(type: UInt8, value: String) {
            self.type = type
            self.value = value
        }
    }

    package init(
        severity: String = "ERROR", code: String, message: String, detail: String? = nil, hint: String? = nil,
        others: [Other] = []
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint
        self.others = others
    }

    /// nil where the body is not a list of fields. Fields that are missing are empty.
    package init?(body: UnsafeRawBufferPointer) {
        self.init(severity: "", code: "", message: "")
        var cursor = ByteCursor(body)
        var localSeverity = ""
        while true {
            guard let type = cursor.byte() else { return nil }
            if type == 0 { break }
            guard let value = cursor.string() else { return nil }
            switch type {
            case UInt8(ascii: "S"): localSeverity = value
            case UInt8(ascii: "V"): severity = value
            case UInt8(ascii: "C"): code = value
            case UInt8(ascii: "M"): message = value
            case UInt8(ascii: "D"): detail = value
            case UInt8(ascii: "H"): hint = value
            default: others.append(Other(type: type, value: value))
            }
        }
        if severity.isEmpty { severity = localSeverity }
    }

    package func write(_ tag: UInt8 = BackendTag.errorResponse, to writer: inout MessageWriter) {
        writer.message(tag) { body in
            field("S", severity, &body)
            field("V", severity, &body)
            field("C", code, &body)
            field("M", message, &body)
            if let detail { field("D", detail, &body) }
            if let hint { field("H", hint, &body) }
            for other in others {
                body.byte(other.type)
                body.string(other.value)
            }
            body.byte(0)
        }
    }

    private func field(_ type: Unicode.Scalar, _ value: String, _ body: inout MessageWriter) {
        body.byte(UInt8(ascii: type))
        body.string(value)
    }
}
