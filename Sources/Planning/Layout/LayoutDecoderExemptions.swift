/// `exemptions`.
extension LayoutReader {
    private static let longestReason = 500

    mutating func exemptions(_ node: LayoutNode) -> [Exemption] {
        var exemptions: [Exemption] = []
        var seen: [String: SourcePlace] = [:]
        for item in list(node, "`exemptions`", "a list of exemptions") {
            guard let exemption = exemption(item) else { continue }
            if let first = seen.updateValue(item.place, forKey: exemption.fingerprint) {
                duplicateEntry("fingerprint \(exemption.fingerprint)", "exemptions", item.place, first: first)
                continue
            }
            exemptions.append(exemption)
        }
        return exemptions
    }

    private mutating func exemption(_ node: LayoutNode) -> Exemption? {
        guard let fields = fields(of: node, as: .exemption) else { return nil }
        var fingerprint: String?
        var reason: String?
        var until: CalendarDate?
        if let node = fields["fingerprint"] {
            fingerprint = self.fingerprint(node)
        } else {
            missing("fingerprint", in: .exemption, node.place, "fingerprint: 4f2a60c1d09e7b35")
        }
        if let node = fields["reason"] {
            reason = self.reason(node)
        } else {
            missing("reason", in: .exemption, node.place, "reason: monthly report, goes with PROJ-12")
        }
        if let node = fields["until"] {
            until = date(node, "until")
        } else {
            missing("until", in: .exemption, node.place, "until: 2027-01-31")
        }
        guard let fingerprint, let reason, let until else { return nil }
        return Exemption(fingerprint: fingerprint, reason: reason, until: until, place: node.place)
    }

    private mutating func fingerprint(_ node: LayoutNode) -> String? {
        let expected = "16 hexadecimal digits"
        guard let value = text(node, "`fingerprint`", expected) else { return nil }
        let digits = value.text.utf8
        guard digits.count == 16, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            error(
                "bad-fingerprint", "`fingerprint` is \(shown(value)), expected \(expected)", node.place,
                "copy it from strata split observe; in small letters")
            return nil
        }
        return value.text
    }

    private mutating func reason(_ node: LayoutNode) -> String? {
        guard let text = nonEmptyText(node, "reason", "why it may cross for now") else { return nil }
        guard text.count <= Self.longestReason else {
            error(
                "out-of-bounds", "`reason` has \(text.count) characters, expected up to \(Self.longestReason)",
                node.place, "shorten it; name the issue that has the rest")
            return nil
        }
        return text
    }

    /// A day such as `2027-01-31`.
    private mutating func date(_ node: LayoutNode, _ key: String) -> CalendarDate? {
        let expected = "a day such as 2027-01-31"
        guard let value = text(node, "`\(key)`", expected) else { return nil }
        if let date = CalendarDate(value.text) { return date }
        error(
            "bad-date", "`\(key)` is \(shown(value)), expected \(expected)", node.place,
            "write year, month and day: \(key): 2027-01-31")
        return nil
    }
}
