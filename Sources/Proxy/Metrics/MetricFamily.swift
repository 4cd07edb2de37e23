/// Figures of one name, as Prometheus' text format 0.0.4 has them. Pure.
struct MetricFamily: Equatable {
    enum Kind: String { case counter, gauge }

    struct Sample: Equatable {
        var labels: [(String, String)]
        var value: String

        static func == (left: Sample, right: Sample) -> Bool {
            left.value == right.value && left.labels.elementsEqual(right.labels, by: ==)
        }
    }

    /// Without the prefix.
    let name: String
    let kind: Kind
    let help: String
    private(set) var samples: [Sample] = []

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    private static let prefix = "strata_proxy_"

    init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    mutating func add(_ value: Int, _ labels: (String, String)...) {
        samples.append(Sample(labels: labels, value: "\(value)"))
    }

    mutating func add(_ value: Duration, _ labels: (String, String)...) {
        let (seconds, attoseconds) = value.components
        samples.append(Sample(labels: labels, value: "\(Double(seconds) + Double(attoseconds) / 1e18)"))
    }

    static func text(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families {
            let name = prefix + family.name
            text += "# HELP \(name) \(escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                let labels = sample.labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
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
