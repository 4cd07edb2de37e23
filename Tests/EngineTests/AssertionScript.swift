import PostgresDriver
import SQLSyntax
import Testing

/// A script of things that must hold: a SELECT must give `true` in every row, other statements must be carried out, and
/// a statement under a comment `-- error: SQLSTATE` must be refused with it. One transaction, always rolled back.
/// Comments `-- verify: …` are what `strata verify` has to find wrong.
struct AssertionScript {
    struct Statement {
        var line: Int
        var text: String
        var isQuery: Bool
        /// The SQLSTATE that it must be refused with.
        var refusal: String?
    }

    let name: String
    let statements: [Statement]
    let differences: [String]

    init(_ name: String, _ script: String) throws {
        self.name = name
        let lines = script.split(separator: "\n", omittingEmptySubsequences: false)
        let verify = "-- verify: "
        differences = lines.filter { $0.hasPrefix(verify) }.map { String($0.dropFirst(verify.count)) }
        statements = try SQLParser.parse(script).map { parsed in
            let above = parsed.line > 1 ? lines[parsed.line - 2] : ""
            let mark = "-- error: "
            return Statement(
                line: parsed.line, text: parsed.text, isQuery: parsed.kind == "SelectStmt",
                refusal: above.hasPrefix(mark) ? String(above.dropFirst(mark.count).prefix(5)) : nil)
        }
    }

    func check(_ session: Session) async throws {
        #expect(!statements.isEmpty, "\(name) says nothing")
        for statement in statements {
            let place = "\(name):\(statement.line): \(statement.text)"
            if let refusal = statement.refusal {
                let found = try await session.refusal(statement.text)
                #expect(found == refusal, "\(place)")
            } else if statement.isQuery {
                await expectTrue(statement, place, session)
            } else {
                await Self.expectDone(place) { try await session.run(statement.text) }
            }
        }
    }

    private func expectTrue(_ statement: Statement, _ place: String, _ session: Session) async {
        await Self.expectDone(place) {
            let rows = try await session.rows(statement.text)
            #expect(!rows.isEmpty && rows.allSatisfy { $0 == "t" }, "\(place) gives \(rows)")
        }
    }

    private static func expectDone(_ place: String, _ body: () async throws -> Void) async {
        do { try await body() } catch { Issue.record("\(place): \(error)") }
    }
}
