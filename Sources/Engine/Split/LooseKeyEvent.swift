package import Planning

/// What replacing keys and taking them back tells while it is at work.
package enum LooseKeyEvent: Sendable {
    case installed(LooseKey)
    case scanning(LooseKey, rows: Int)
    case scanned(LooseKey, rows: Int)
    /// The real key is gone; the loose one has its place.
    case replaced(LooseKey)
    case validating(LooseKey)
    case restored(LooseKey)
    case waiting(String, reason: String, after: Duration)
}
