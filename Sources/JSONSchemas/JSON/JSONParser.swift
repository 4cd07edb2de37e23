/// Reads a JSON text by RFC 8259, strictly: one value, in UTF-8, nothing before or behind it but white space.
///
/// Refused as well is what a reader would silently change: keys that come twice, half of a surrogate pair, NUL.
package enum JSONParser {
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        var scanner = JSONScanner(bytes, limits: limits)
        let value = try scanner.value()
        try scanner.finish()
        return value
    }

    package static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try parse(bytes[...], limits: limits)
    }

    package static func parse(
        _ bytes: ArraySlice<UInt8>, limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(JSONError) in try parse(raw, limits: limits) }
        }
        return try result.get()
    }

    package static func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), limits: limits)
    }
}
