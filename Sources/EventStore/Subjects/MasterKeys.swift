internal import COpenSSL
import Foundation

/// The key that wraps the keys of subjects. It is nowhere in the database, and never shown.
package struct MasterKey: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// Tells it from others, and nothing about it.
    package let id: String
    let bytes: [UInt8]

    /// - Parameter text: 32 bytes in base 64 or hexadecimal; white space around it does not count.
    /// - Throws: `EventStoreProblem`, which names the source and not the text.
    package init(_ text: String, from source: String) throws {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let bytes = Self.hexadecimal(text) ?? Data(base64Encoded: text).map({ Array($0) }), bytes.count == 32
        else {
            throw EventStoreProblem(
                "master-key", "\(source) is not 32 bytes in base 64 or hexadecimal",
                next: "openssl rand -base64 32 makes one; keep it where the database's backups are not")
        }
        self.bytes = bytes
        id = Secrets.hex(Array(try SubjectCipher.code(bytes, ["strata master key"]).prefix(8)))
    }

    private static func hexadecimal(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16), rest.first != "+", rest.first != "-" else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    package var description: String { "master key \(id)" }
    package var debugDescription: String { description }
    /// For `dump`, which would walk through the bytes.
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// The one that new keys are wrapped by, and earlier ones that some still are.
package struct MasterKeys: Sendable, Hashable {
    package let current: MasterKey
    package let previous: [MasterKey]

    package init(_ current: MasterKey, previous: [MasterKey] = []) {
        (self.current, self.previous) = (current, previous)
    }

    func named(_ id: String) -> MasterKey? { ([current] + previous).first { $0.id == id } }

    package static let variable = "STRATA_MASTER_KEY"

    /// `STRATA_MASTER_KEY`, or the file that `STRATA_MASTER_KEY_FILE` names; `STRATA_MASTER_KEY_PREVIOUS` and
    /// `STRATA_MASTER_KEY_PREVIOUS_FILE` while keys are wrapped anew.
    ///
    /// - Returns: nil where none of the first two is set.
    /// - Throws: `EventStoreProblem`: it is no key, cannot be read, or both are set.
    package init?(environment: [String: String]) throws {
        guard let current = try Self.key(Self.variable, environment) else { return nil }
        let previous = try Self.key(Self.variable + "_PREVIOUS", environment)
        self.init(current, previous: previous.map { [$0] } ?? [])
    }

    private static func key(_ name: String, _ environment: [String: String]) throws -> MasterKey? {
        let text = environment[name].flatMap { $0.isEmpty ? nil : $0 }
        guard let path = environment[name + "_FILE"], !path.isEmpty else {
            return try text.map { try MasterKey($0, from: name) }
        }
        guard text == nil else {
            throw EventStoreProblem("master-key", "\(name) and \(name)_FILE are both set", next: "set one of them")
        }
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            let data = try handle.read(upToCount: 4_096) ?? Data()
            return try MasterKey(String(decoding: data, as: UTF8.self), from: path)
        } catch let problem as EventStoreProblem {
            throw problem
        } catch {
            throw EventStoreProblem(
                "master-key", "cannot read \(path), which \(name)_FILE names: \(error.localizedDescription)",
                next: "check the path and its rights")
        }
    }
}

/// What a reader does with members that are encrypted, and a writer with those that are to be.
package enum SubjectAccess: Sendable, Hashable {
    /// Reads give what is in the store. Nothing can be written that has to be encrypted.
    case asStored
    case keys(MasterKeys)
    /// There is no master key, or none that can be used: an error where one is needed.
    case unavailable(EventStoreProblem)

    /// By the process's environment.
    package static var environment: SubjectAccess { of(ProcessInfo.processInfo.environment) }

    package static func of(_ environment: [String: String]) -> SubjectAccess {
        do {
            if let keys = try MasterKeys(environment: environment) { return .keys(keys) }
            return .unavailable(
                EventStoreProblem(
                    "master-key", "there is no master key",
                    next: "set \(MasterKeys.variable), or \(MasterKeys.variable)_FILE to the name of a file"))
        } catch let problem as EventStoreProblem {
            return .unavailable(problem)
        } catch {
            return .unavailable(EventStoreProblem("master-key", "the master key cannot be used: \(error)"))
        }
    }
}
