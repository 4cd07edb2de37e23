internal import COpenSSL

/// One TLS connection without a socket: encrypted bytes in and out on one side, plain ones on the other.
final class TLSEngine {
    enum Step: Equatable {
        case done
        /// More bytes of the other side are needed.
        case waiting
        case failed(String)
    }

    private let ssl: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let context: TLSContext
    private(set) var isEstablished = false

    /// - Parameters:
    ///   - host: whom the certificate must be of, and what is asked for by name.
    init?(_ context: TLSContext, isServer: Bool, host: String? = nil) {
        guard let ssl = SSL_new(context.pointer) else { return nil }
        guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_free(ssl)
            return nil
        }
        SSL_set_bio(ssl, input, output)
        self.ssl = ssl
        self.input = input
        self.output = output
        self.context = context
        if isServer {
            SSL_set_accept_state(ssl)
        } else {
            SSL_set_connect_state(ssl)
            if let host {
                if !host.contains(":"), host.contains(where: \.isLetter) {
                    _ = host.withCString { name in
                        SSL_ctrl(
                            ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                            UnsafeMutableRawPointer(mutating: name))
                    }
                }
                if context.verification == .host { SSL_set1_host(ssl, host) }
            }
        }
    }

    deinit { SSL_free(ssl) }

    /// What came over the wire.
    func feed(_ bytes: UnsafeRawBufferPointer) {
        _ = BIO_write(input, bytes.baseAddress, Int32(bytes.count))
    }

    func handshake() -> Step {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .waiting
        default: return .failed(verificationFailure() ?? Self.lastError())
        }
    }

    enum Reading: Equatable {
        case bytes(Int)
        case nothing
        case closed
        case failed(String)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
        ERR_clear_error()
        let count = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .nothing
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: return .failed(Self.lastError())
        }
    }

    /// - Returns: false where the connection is broken.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        ERR_clear_error()
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let count = SSL_write(ssl, rest.baseAddress, Int32(clamping: rest.count))
            guard count > 0 else { return false }
            offset += Int(count)
        }
        return true
    }

    func close() { _ = SSL_shutdown(ssl) }

    /// What is to go over the wire; the bytes are gone afterwards.
    func withOutput(_ body: (UnsafeRawBufferPointer) -> Void) {
        var data: UnsafeMutablePointer<CChar>?
        let count = BIO_ctrl(output, BIO_CTRL_INFO, 0, &data)
        guard count > 0, let data else { return }
        body(UnsafeRawBufferPointer(start: data, count: count))
        BIO_ctrl(output, BIO_CTRL_RESET, 0, nil)
    }

    var hasOutput: Bool { BIO_ctrl(output, BIO_CTRL_PENDING, 0, nil) > 0 }

    /// Whether the client named the protocol, as it must where it began with TLS at once.
    var isProtocolNamed: Bool {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        return count > 0
    }

    /// For SCRAM: the hash of the server's certificate, of ours or of the other side's.
    func endpoint(isServer: Bool) -> [UInt8]? {
        guard !isServer else { return context.endpoint }
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(certificate) }
        return Certificate.endpoint(certificate)
    }

    /// Of a certificate that was verified.
    var peerCommonName: String? {
        guard SSL_get_verify_result(ssl) == X509_V_OK, let certificate = SSL_get1_peer_certificate(ssl) else {
            return nil
        }
        defer { X509_free(certificate) }
        return Certificate.commonName(certificate)
    }

    var version: String { String(cString: SSL_get_version(ssl)) }

    private func verificationFailure() -> String? {
        let result = SSL_get_verify_result(ssl)
        guard result != X509_V_OK else { return nil }
        return "the certificate is not accepted: \(String(cString: X509_verify_cert_error_string(result)))"
    }

    static func lastError() -> String {
        let code = ERR_peek_last_error()
        guard code != 0 else { return "the other side ended the connection" }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        let full = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return full.split(separator: ":").last.map(String.init) ?? full
    }
}
