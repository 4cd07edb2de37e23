import JSONSchemas
import Testing

@Suite("JSON pointers")
struct JSONPointerTests {
    @Test("the examples of RFC 6901")
    func examples() throws {
        let value = try JSONParser.parse(
            ##"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"##)
        let expected: [(String, JSONValue)] = [
            ("", value), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3),
            ("/g|h", 4), ("/i\\j", 5), ("/k\"l", 6), ("/ ", 7), ("/m~0n", 8),
        ]
        for (text, found) in expected {
            let pointer = try #require(JSONPointer(text))
            #expect(pointer.resolve(in: value) == found, "\(text)")
            #expect(pointer.description == text)
        }
        #expect(JSONPointer("/foo/1") == JSONPointer().appending("foo").appending(1))
    }

    @Test("what leads nowhere", arguments: ["/foo/2", "/foo/-", "/foo/01", "/foo/0/x", "/bar", "//"])
    func nowhere(_ text: String) throws {
        #expect(try #require(JSONPointer(text)).resolve(in: ["foo": ["bar"]]) == nil)
    }

    @Test("what is no pointer", arguments: ["foo", "~", "/~", "/~2", "/a~", " /a", "#/a"])
    func refused(_ text: String) { #expect(JSONPointer(text) == nil) }
}
