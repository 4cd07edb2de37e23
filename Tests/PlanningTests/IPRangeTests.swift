import Testing

@testable import Planning

@Suite("Addresses and their ranges")
struct IPRangeTests {
    @Test(
        "addresses are read, and written as RFC 5952 has them",
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
            ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:10.1.2.3", "10.1.2.3"), ("::ffff:a01:203", "10.1.2.3"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"), ("fe80::1%eth0", "fe80::1"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("0:0:0:0:0:0:0:0", "::"),
        ])
    func addresses(text: String, shown: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == shown)
        #expect(IPAddress(shown) == address)
    }

    @Test(
        "what is no address",
        arguments: [
            "", "10", "10.0.0", "10.0.0.0.0", "256.0.0.1", "010.0.0.1", "10.0.0.+1", "10.0.0.1 ", "a.b.c.d", ":", ":::",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "::1.2.3", "1.2.3.4::",
            "1:2:3:4:5:6:7:8::",
            "::+1", "١.0.0.1", "%eth0", "1:2:3:4:5:6:7:1.2.3.4",
        ])
    func noAddresses(text: String) { #expect(IPAddress(text) == nil) }

    @Test(
        "ranges hold what begins like them",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.128/25", "10.0.0.127", false), ("10.0.0.128/25", "10.0.0.200", true),
            ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1/32", "10.0.0.2", false), ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "::1", true), ("::/0", "8.8.8.8", false),
            ("2001:db8::/33", "2001:db8:7fff::", true), ("2001:db8::/33", "2001:db8:8000::", false),
            ("::1/128", "::1", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
        ])
    func contents(range: String, address: String, isIn: Bool) throws {
        let range = try IPRange.parse(range).get()
        #expect(range.contains(try #require(IPAddress(address))) == isIn)
    }

    @Test("ranges within ranges")
    func nested() throws {
        let (wide, narrow) = (try IPRange.parse("10.0.0.0/8").get(), try IPRange.parse("10.1.0.0/16").get())
        #expect(wide.contains(narrow) && !narrow.contains(wide) && wide.contains(wide))
        #expect(narrow.description == "10.1.0.0/16")
    }

    @Test("what is wrong with a range")
    func problems() throws {
        func problem(_ text: String) -> IPRange.Problem? {
            if case .failure(let problem) = IPRange.parse(text) { problem } else { nil }
        }
        #expect(problem("10.0.0.0/33") == .length(32) && problem("10.0.0.0/-1") == .length(32))
        #expect(problem("::/129") == .length(128) && problem("::ffff:10.0.0.0/8") == .length(128))
        #expect(problem("10.0.0.0/8/8") == .length(32) && problem("/8") == .noAddress)
        #expect(problem("fe80::1%eth0/64") == .noAddress)
        #expect(problem("10.1.0.0/8") == .bitsBeyond(try IPRange.parse("10.0.0.0/8").get()))
        #expect(problem("::1/0") == .bitsBeyond(try IPRange.parse("::/0").get()))
    }
}
