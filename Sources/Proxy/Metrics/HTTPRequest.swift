/// The head of an HTTP/1 request, as far as those need it who only read. Pure.
enum HTTPRequest: Equatable {
    case needsMore
    /// - isHead: only the head of the answer is wanted.
    case get(path: String, isHead: Bool)
    case refused(HTTPResponse)

    static let maximumHead = 8192

    static func read(_ bytes: UnsafeRawBufferPointer) -> HTTPRequest {
        guard let end = endOfHead(bytes) else {
            return bytes.count < maximumHead ? .needsMore : .refused(HTTPResponse(431, "the head is too long"))
        }
        guard end <= maximumHead else { return .refused(HTTPResponse(431, "the head is too long")) }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components("\r\n")
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words.allSatisfy({ !$0.isEmpty }) else {
            return .refused(HTTPResponse(400, "the request line is not \"GET /path HTTP/1.1\""))
        }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            return .refused(HTTPResponse(words[2].hasPrefix("HTTP/") ? 505 : 400, "HTTP/1.1 is spoken here"))
        }
        guard words[0] == "GET" || words[0] == "HEAD" else {
            return .refused(HTTPResponse(405, "only GET and HEAD", headers: ["Allow: GET, HEAD"]))
        }
        guard words[2] == "HTTP/1.0" || lines.dropFirst().contains(where: { $0.lowercased().hasPrefix("host:") }) else {
            return .refused(HTTPResponse(400, "the header Host is missing"))
        }
        let path = words[1].prefix { $0 != "?" }
        guard path.hasPrefix("/") else { return .refused(HTTPResponse(400, "the path does not begin with /")) }
        return .get(path: String(path), isHead: words[0] == "HEAD")
    }

    /// Where the empty line is.
    private static func endOfHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= mark.count else { return nil }
        return (0...min(bytes.count - mark.count, maximumHead)).first { start in
            mark.indices.allSatisfy { bytes[start + $0] == mark[$0] }
        }
    }
}

/// An answer, after which the connection ends.
struct HTTPResponse: Equatable, Sendable {
    var status: Int
    var body: String
    var contentType = "text/plain; charset=utf-8"
    var headers: [String] = []

    init(_ status: Int, _ line: String, headers: [String] = []) {
        self.status = status
        self.headers = headers
        body = line + "\n"
    }

    private static let reasons = [
        200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
        431: "Request Header Fields Too Large", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
    ]

    func bytes(isHead: Bool) -> [UInt8] {
        let lines =
            [
                "HTTP/1.1 \(status) \(Self.reasons[status] ?? "Error")", "Content-Type: \(contentType)",
                "Content-Length: \(body.utf8.count)", "Cache-Control: no-store", "Connection: close",
            ] + headers
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + (isHead ? "" : body)).utf8)
    }
}

extension String {
    /// Without Foundation, whose `components` would do.
    fileprivate func components(_ separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}
