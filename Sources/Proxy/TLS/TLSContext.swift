internal import COpenSSL
internal import Foundation

/// Certificates, keys and rules for the TLS connections of one side. Made anew when the files change.
final class TLSContext: @unchecked Sendable {
    /// OpenSSL counts references to it atomically, and nothing of it is changed once it is made.
    let pointer: OpaquePointer
    /// `tls-server-end-point` of our own certificate (RFC 5929), for SCRAM-SHA-256-PLUS.
    let endpoint: [UInt8]?
    let verification: Verification

    enum Verification: Equatable, Sendable {
        case none
        /// The certificate must come from a known authority.
        case authority
        /// And be of this host.
        case host
    }

    private init(pointer: OpaquePointer, endpoint: [UInt8]?, verification: Verification) {
        self.pointer = pointer
        self.endpoint = endpoint
        self.verification = verification
    }

    deinit { SSL_CTX_free(pointer) }

    /// For clients.
    /// - Parameters:
    ///   - authorities: file of certificates that sign those of clients; nil: clients are not asked for one.
    ///   - requiresCertificate: a client without one is refused.
    static func server(
        certificate: String, key: String, authorities: String? = nil, requiresCertificate: Bool = false
    ) throws(ProxyError) -> TLSContext {
        let context = try make(TLS_server_method())
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw failure(context, "the certificate \(certificate) cannot be used", "check routing.tls.certificate")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1, SSL_CTX_check_private_key(context) == 1
        else { throw failure(context, "the key \(key) cannot be used with the certificate", "check routing.tls.key") }
        if let authorities {
            guard SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
                throw failure(context, "the authorities \(authorities) cannot be read", "check routing.tls.authorities")
            }
            SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(authorities))
            let mode = SSL_VERIFY_PEER | (requiresCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
            SSL_CTX_set_verify(context, mode, nil)
        }
        // Whoever speaks TLS at once (PostgreSQL 17's sslnegotiation=direct) has to name the protocol.
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, out, length, offered, count, _ in
                guard let offered, let out, let length else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                let wanted = Array("postgresql".utf8)
                var position = 0
                while position < Int(count) {
                    let size = Int(offered[position])
                    guard position + 1 + size <= Int(count) else { break }
                    if size == wanted.count, (0..<size).allSatisfy({ offered[position + 1 + $0] == wanted[$0] }) {
                        out.pointee = offered + position + 1
                        length.pointee = UInt8(size)
                        return SSL_TLSEXT_ERR_OK
                    }
                    position += 1 + size
                }
                return SSL_TLSEXT_ERR_ALERT_FATAL
            }, nil)
        let own = SSL_CTX_get0_certificate(context)
        return TLSContext(
            pointer: context, endpoint: own.flatMap(Certificate.endpoint),
            verification: authorities == nil ? .none : .authority)
    }

    /// For servers.
    static func client(
        verification: Verification, authorities: String? = nil, certificate: String? = nil, key: String? = nil
    ) throws(ProxyError) -> TLSContext {
        let context = try make(TLS_client_method())
        if verification != .none {
            let isLoaded =
                authorities.map { SSL_CTX_load_verify_locations(context, $0, nil) == 1 }
                ?? (SSL_CTX_set_default_verify_paths(context) == 1)
            guard isLoaded else {
                throw failure(
                    context, "the authorities \(authorities ?? "of this system") cannot be read",
                    "check sslrootcert in the url")
            }
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        }
        if let certificate, let key {
            guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
                SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
            else { throw failure(context, "the certificate \(certificate) cannot be used", "check sslcert and sslkey") }
        }
        return TLSContext(pointer: context, endpoint: nil, verification: verification)
    }

    // SSL_OP_NO_RENEGOTIATION and SSL_OP_CIPHER_SERVER_PREFERENCE are macros that Swift does not see.
    private static let noRenegotiation: UInt64 = 1 << 30
    private static let cipherServerPreference: UInt64 = 1 << 22

    private static func make(_ method: OpaquePointer?) throws(ProxyError) -> OpaquePointer {
        guard let context = SSL_CTX_new(method) else {
            throw ProxyError(
                "TLS cannot be set up: \(TLSEngine.lastError())", next: "check the OpenSSL of this machine")
        }
        // As PostgreSQL since 14 (ssl_min_protocol_version).
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_CTX_set_options(context, noRenegotiation | cipherServerPreference)
        // Idle connections keep no buffers; sessions are not resumed, as with PostgreSQL.
        SSL_CTX_ctrl(
            context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        return context
    }

    private static func failure(_ context: OpaquePointer, _ message: String, _ next: String) -> ProxyError {
        let reason = TLSEngine.lastError()
        SSL_CTX_free(context)
        return ProxyError("\(message): \(reason)", next: next)
    }
}

/// What is read from certificates.
enum Certificate {
    /// The hash of the certificate by the algorithm of its signature, SHA-256 in place of MD5 and SHA-1 (RFC 5929).
    static func endpoint(_ certificate: OpaquePointer) -> [UInt8]? {
        var algorithm: Int32 = 0
        guard OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &algorithm, nil) == 1 else { return nil }
        let kind =
            algorithm == NID_md5 || algorithm == NID_sha1 ? EVP_sha256() : EVP_get_digestbyname(OBJ_nid2sn(algorithm))
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard let kind, X509_digest(certificate, kind, &out, &count) == 1 else { return nil }
        return Array(out.prefix(Int(count)))
    }

    /// The common name of the subject; nil where there is none, or one with a zero in it.
    static func commonName(_ certificate: OpaquePointer) -> String? {
        var text = [CChar](repeating: 0, count: 256)
        let count = X509_NAME_get_text_by_NID(
            X509_get_subject_name(certificate), NID_commonName, &text, Int32(text.count))
        guard count > 0, text.prefix(Int(count)).allSatisfy({ $0 != 0 }) else { return nil }
        return String(decoding: text.prefix(Int(count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
