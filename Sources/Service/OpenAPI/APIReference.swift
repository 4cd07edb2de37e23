import EventStore
import HTTPTypes

/// The API as a page for people, docs/http-api.md: of the same table as the routes and the OpenAPI document.
package enum APIReference {
    package static var text: String {
        var text = """
            # The HTTP API, operation by operation

            Made of the table of the service's routes by `strata serve --print-api`: change that, not this page. How the parts work
            together is in [serve.md](serve.md); the same for programs is at `/v1/openapi.json`.

            Each operation may also answer with \(problems(common)).
            One with a body may answer with \(problems([.tooLarge, .unsupported])), one that takes a key or token with
            \(problems([.unauthorized, .tooManyRequests])), one that takes a scope or the operator's token with
            \(problems([.forbidden])).

            """
        for section in EventService.sections {
            text += "\n## \(section.title)\n"
            for endpoint in section.endpoints { text += operation(endpoint) }
        }
        text += "\n## Bodies\n\nJSON Schemas. A body has no members but these.\n"
        for component in APIComponents.texts.sorted(by: { $0.name < $1.name }) {
            text += "\n### \(component.name)\n\n```json\n\(component.text)\n```\n"
        }
        return text
    }

    /// The document for programs.
    package static var openAPI: String { OpenAPIDocument(endpoints: EventService.endpoints).text + "\n" }

    private static let common: [Problem.Kind] = [.malformed, .invalid, .busy, .unavailable, .unexpected]
    private static let told = common + [.tooLarge, .unsupported, .unauthorized, .tooManyRequests, .forbidden]

    private static func operation(_ endpoint: Endpoint) -> String {
        var lines = [
            "", "### \(endpoint.summary)", "",
            "`\(endpoint.verb) \(endpoint.path)` (`\(endpoint.id)`): \(access(endpoint))",
        ]
        if !endpoint.description.isEmpty { lines += ["", endpoint.description] }
        lines.append("")
        lines += endpoint.query.map { "- `?\($0.name)=` (\(form($0.form))): \($0.description)" }
        lines += endpoint.headers.map { "- `\($0.name):` \($0.description)" }
        if let body = endpoint.body { lines.append("- body: \(self.body(body))") }
        lines.append("- answer: \(answer(endpoint))")
        let own = endpoint.allProblems.filter { !told.contains($0) }
        if !own.isEmpty { lines.append("- or: \(problems(own))") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func access(_ endpoint: Endpoint) -> String {
        switch endpoint.access {
        case .anybody: "for anybody."
        case .caller: "with any key or session."
        case .scope(let scope): "takes the scope `\(scope.rawValue)`."
        case .service: "takes the operator's token."
        }
    }

    private static func form(_ form: QueryParameter.Form) -> String {
        switch form {
        case .number(let range, let value):
            (range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)")
                + (value.map { ", \($0) unless given" } ?? "")
        case .text(let most): "at most \(most) characters"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        }
    }

    private static func body(_ body: Endpoint.Body) -> String {
        switch body {
        case .object(let component, let bytes): "\(link(component)), at most \(bytes >> 10) KiB"
        case .events(let component, let line):
            link(component) + (line.map { ", or as `application/x-ndjson` a line for each \(link($0))" } ?? "")
        }
    }

    private static func answer(_ endpoint: Endpoint) -> String {
        var text = "\(endpoint.status.code)"
        if let answer = endpoint.answer { text += " " + link(answer) }
        if endpoint.answersLines { text += ", or lines where `application/x-ndjson` is accepted" }
        if !endpoint.answerHeaders.isEmpty {
            text += "; " + endpoint.answerHeaders.map { "`\($0.name)`" }.joined(separator: ", ")
        }
        return text
    }

    private static func link(_ component: String) -> String { "[\(component)](#\(component.lowercased()))" }

    private static func problems(_ kinds: [Problem.Kind]) -> String {
        kinds.map { "\($0.status.code) `\($0.rawValue)`" }.joined(separator: ", ")
    }
}
