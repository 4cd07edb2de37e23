import Foundation
import Testing

@testable import Planning

@Suite("Layout: schema for editors, documentation, examples")
struct LayoutSchemaFileTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func definitions() throws -> [String: [String: Any]] {
        let data = try Data(contentsOf: Self.root.appending(path: "docs/layout.schema.json"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema["$ref"] as? String == "#/$defs/root")
        return try #require(schema["$defs"] as? [String: [String: Any]])
    }

    @Test("every key of the decoder is in the schema", arguments: LayoutKeys.allCases)
    func decoderToSchema(table: LayoutKeys) throws {
        let definition = try #require(try definitions()[table.rawValue])
        let properties = try #require(definition["properties"] as? [String: Any])
        #expect(Set(properties.keys) == Set(table.keys))
        #expect(definition["additionalProperties"] as? Bool == false)
    }

    @Test("every mapping of the schema is known to the decoder, and nothing else is allowed in it")
    func schemaToDecoder() throws {
        for (name, definition) in try definitions() where definition["properties"] != nil {
            #expect(LayoutKeys(rawValue: name) != nil, "\(name)")
        }
        let text = try String(contentsOf: Self.root.appending(path: "docs/layout.schema.json"), encoding: .utf8)
        #expect(text.count(of: "\"additionalProperties\": false") == LayoutKeys.allCases.count)
        #expect(text.count(of: "\"properties\":") == LayoutKeys.allCases.count)
    }

    @Test("references of the schema lead somewhere")
    func references() throws {
        let names = Set(try definitions().keys)
        let text = try String(contentsOf: Self.root.appending(path: "docs/layout.schema.json"), encoding: .utf8)
        let used = text.matches(of: #/"#\/\$defs\/(\w+)"/#).map { String($0.1) }
        #expect(Set(used) == names)
    }

    @Test("choices of the schema are those of the decoder")
    func choices() throws {
        let text = String(
            data: try JSONSerialization.data(withJSONObject: definitions(), options: .sortedKeys), encoding: .utf8)
        let lists = [
            Layout.Compatibility.allCases.map(\.rawValue), PartitionLayout.Every.allCases.map(\.rawValue),
            Database.Pool.Mode.allCases.map(\.rawValue), Routing.AuthType.allCases.map(\.rawValue),
            Routing.AuthRule.Kind.allCases.map(\.rawValue), Routing.Transactions.allCases.map(\.rawValue),
            EventsLayout.Every.allCases.map(\.rawValue), SchemaLayout.Definitions.allCases.map(\.rawValue),
            ProjectionLayout.OnError.allCases.map(\.rawValue),
        ]
        for list in lists {
            let written = "[" + list.map { "\"\($0)\"" }.joined(separator: ",") + "]"
            #expect(text?.contains("\"enum\":\(written)") == true, "\(written)")
        }
    }

    @Test("docs/layout-file.md names every key, and its example decodes")
    func documentation() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/layout-file.md"), encoding: .utf8)
        for table in LayoutKeys.allCases {
            for key in table.keys { #expect(text.contains("`\(key)` ("), "\(table).\(key)") }
        }
        let blocks = text.matches(of: #/```yaml\n((?:.|\n)*?)```/#).map { String($0.1) }
        let example = try #require(blocks.first { $0.hasPrefix("strata: 1") })
        let (layout, diagnostics) = decode(example, ["ARCHIVE_URL": "host=a", "DATABASE_READONLY_URL": "host=b"])
        #expect(diagnostics.isEmpty, "\(diagnostics)")
        #expect(layout?.schemas.isEmpty == false)
    }

    @Test("the layouts of the examples have no errors and no warnings but unset variables")
    func examples() throws {
        let folder = Self.root.appending(path: "Examples")
        var found = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted() {
            let file = folder.appending(path: name).appending(path: "layout.yaml")
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
            found += 1
            let (layout, diagnostics) = LayoutDecoder.decode(text, file: "\(name)/layout.yaml", environment: [:])
            #expect(layout != nil, "\(DiagnosticText().render(diagnostics))")
            let others = diagnostics.filter { $0.code != "unset-url" }
            #expect(others.isEmpty, "\(DiagnosticText().render(others))")
        }
        #expect(found > 0)
    }
}

extension String {
    fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
