import Testing

@testable import Outbox

@Suite struct RedisURLTests {
    @Test func whatItHas() throws {
        let full = try RedisURL("redis://ann:p%40ss%2Fword@example.org:7000/3")
        #expect(full.host == "example.org" && full.port == 7_000 && full.database == 3)
        #expect(full.user == "ann" && full.password == "p@ss/word")
        #expect(full.description == "redis://example.org:7000/3")
        let short = try RedisURL("redis://[::1]")
        #expect(short.host == "::1" && short.port == 6_379 && short.database == 0 && short.password == nil)
        #expect(short.description == "redis://[::1]:6379")
        let alone = try RedisURL("redis://:secret@localhost/")
        #expect(alone.user == nil && alone.password == "secret" && !alone.description.contains("secret"))
    }

    @Test(
        "What is no URL of a Redis is refused, without its password",
        arguments: [
            ("", "redis://"), ("localhost:6379", "redis://"), ("http://:secret@localhost", "redis://"),
            ("rediss://:secret@localhost", "TLS"), ("redis://", "host"), ("redis://:secret@localhost:0", "65535"),
            ("redis://:secret@localhost:70000", "65535"), ("redis://:secret@localhost/one", "database"),
            ("redis://:secret@localhost/-1", "database"), ("redis://:secret@localhost?ssl=1", "means nothing"),
            ("redis://ann@localhost", "no password"), ("redis://:sec ret@local host", "URL"),
        ])
    func refused(_ text: String, _ says: String) {
        #expect { try RedisURL(text) } throws: { error in
            guard let mistake = error as? RedisURL.Mistake else { return false }
            return (mistake.message + mistake.next).contains(says) && !"\(error)".contains("secret")
        }
    }
}
