/// What stopped work with files, archives or subjects: what happened to what, and what to do next.
package struct EventStoreProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// A word for programs, such as `file` or `archive`.
    package var code: String
    package var message: String
    package var nextStep: String?

    package init(_ code: String, _ message: String, next: String? = nil) {
        (self.code, self.message, nextStep) = (code, message, next)
    }

    package var description: String { message }
}
