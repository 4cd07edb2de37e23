/// Connections that nobody needs do not stay open.
extension ConnectionPool {
    func isExpired(_ member: Member) -> Bool {
        guard let lifetime = bounds.lifetime else { return false }
        return member.opened.duration(to: .now) >= lifetime
    }

    /// Closes what is idle for too long or too old, for as long as anything is idle.
    func watchIdle() {
        guard reaper == nil, bounds.lifetime != nil || bounds.idleTimeout != nil else { return }
        // A pool that nobody holds any more need not wait for its connections to grow old.
        reaper = Task { [weak self] in
            while let next = await self?.nextExpiry() {
                do { try await Task.sleep(until: next) } catch { return }
                await self?.closeExpired()
            }
        }
    }

    /// - Returns: nil, and the watch ends, where nothing is idle.
    private func nextExpiry() -> ContinuousClock.Instant? {
        let next = idle.map(expiry).min()
        if next == nil { reaper = nil }
        return next
    }

    private func closeExpired() async {
        let now = ContinuousClock.now
        let old = idle.filter { expiry($0) <= now }
        idle.removeAll { expiry($0) <= now }
        await end(old)
    }

    private func expiry(_ member: Member) -> ContinuousClock.Instant {
        let times = [bounds.lifetime.map { member.opened + $0 }, bounds.idleTimeout.map { member.idleSince + $0 }]
        return times.compactMap(\.self).min() ?? member.idleSince + .seconds(86_400)
    }
}
