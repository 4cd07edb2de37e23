import CLibPQ

/// The fields of an ErrorResponse or NoticeResponse, by the letters of the protocol.
struct ServerFields {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }

    subscript(_ letter: Unicode.Scalar) -> String? {
        PQresultErrorField(result, Int32(letter.value)).map { String(cString: $0) }
    }

    var severity: String? { self["V"] ?? self["S"] }

    /// Without the lines in which a server with `log_parameter_max_length_on_error` repeats parameter values.
    var context: String? {
        guard let text = self["W"] else { return nil }
        let lines = text.split(separator: "\n").filter { !$0.contains("$1 = ") }
        return lines.isEmpty ? nil : Redaction.text(lines.joined(separator: "\n"))
    }
}

extension PostgresError {
    /// From a result of status `PGRES_FATAL_ERROR`. Without a SQLSTATE the error is libpq's own.
    init(result: OpaquePointer, connectionIsBad: Bool) {
        let fields = ServerFields(result)
        guard let state = fields["C"] else {
            let text = String(cString: PQresultErrorMessage(result)).trimmingTrailingSpace
            let message = text.isEmpty ? "the server closed the connection" : text
            self.init(connectionIsBad ? .connection(.lost) : .protocolViolation, Redaction.text(message))
            return
        }
        self.init(.server, Redaction.text(fields["M"] ?? "no message"), sqlState: SQLState(rawValue: state))
        severity = fields.severity
        detail = fields["D"].map(Redaction.text)
        hint = fields["H"].map(Redaction.text)
        context = fields.context
        position = fields["P"].flatMap { Int($0) }
        schema = fields["s"]
        table = fields["t"]
        column = fields["c"]
        constraint = fields["n"]
    }
}

extension String {
    var trimmingTrailingSpace: String {
        var view = self[...]
        while let last = view.last, last.isWhitespace { view.removeLast() }
        return String(view)
    }
}
