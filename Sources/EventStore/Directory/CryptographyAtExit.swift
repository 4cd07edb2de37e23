internal import COpenSSL

/// What OpenSSL does when the process ends.
package enum CryptographyAtExit {
    /// It leaves its memory to the system. By itself it frees it in `exit`, while threads of connections that have just been
    /// closed free theirs: now and then both free the same, and a command that has done its work ends by SIGABRT.
    ///
    /// To be called before anything else uses OpenSSL, libpq included.
    package static func leaveToSystem() { _ = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) }
}
