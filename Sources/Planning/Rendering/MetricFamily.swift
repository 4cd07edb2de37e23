/// Figures of one name, as Prometheus' text format 0.0.4 has them. Pure.
package struct MetricFamily: Equatable, Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    struct Sample: Equatable, Sendable {
        /// What the family's name gets: `_bucket`, `_sum` and `_count` of a histogram.
        var suffix = ""
        var labels: [(String, String)]
        var value: String

        static func == (left: Sample, right: Sample) -> Bool {
            left.suffix == right.suffix && left.value == right.value && left.labels.elementsEqual(right.labels, by: ==)
        }
    }

    /// Without the prefix.
    let name: String
    let kind: Kind
    let help: String
    private(set) var samples: [Sample] = []

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    package mutating func add(_ value: Int, _ labels: (String, String)...) { add(value, labels) }

    package mutating func add(_ value: Int, _ labels: [(String, String)]) {
        samples.append(Sample(labels: labels, value: "\(value)"))
    }

    package mutating func add(_ value: Duration, _ labels: (String, String)...) { add(value, labels) }

    package mutating func add(_ value: Duration, _ labels: [(String, String)]) {
        samples.append(Sample(labels: labels, value: "\(value.inSeconds)"))
    }

    /// One histogram.
    ///
    /// - Parameters:
    ///   - counts: how many were at most each bound, and not at most the one before; the last ones are beyond all bounds.
    ///   - sum: of all.
    package mutating func add(_ counts: [Int], bounds: [Duration], sum: Duration, _ labels: (String, String)...) {
        var total = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? "\(bounds[index].inSeconds)" : "+Inf"
            samples.append(Sample(suffix: "_bucket", labels: labels + [("le", bound)], value: "\(total)"))
        }
        samples.append(Sample(suffix: "_sum", labels: labels, value: "\(sum.inSeconds)"))
        samples.append(Sample(suffix: "_count", labels: labels, value: "\(total)"))
    }

    /// - Parameter prefix: of all names.
    package static func text(_ families: [MetricFamily], prefix: String) -> String {
        var text = ""
        for family in families {
            let name = prefix + family.name
            text += "# HELP \(name) \(escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                let labels = sample.labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
                let name = name + sample.suffix
                text += labels.isEmpty ? "\(name) \(sample.value)\n" : "\(name){\(labels)} \(sample.value)\n"
            }
        }
        return text
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\"" where quotes: out += "\\\""
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
