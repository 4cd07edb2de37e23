import PostgresDriver
import Testing

@Suite struct ConnectionSettingsTests {
    @Test func readsURL() throws {
        let settings = try ConnectionSettings("postgresql://ann:s3cr3t@db.example:6543/shop?application_name=web")
        #expect(settings.host == "db.example")
        #expect(settings.port == 6543)
        #expect(settings.database == "shop")
        #expect(settings.user == "ann")
        #expect(settings.applicationName == "web")
    }

    @Test(
        "S4.37 An application's DATABASE_URL is taken with what its library has put there",
        arguments: [
            "postgresql://ann:pw@h:6543/shop?schema=public",
            "postgres://ann:pw@h:6543/shop?schema=public&connection_limit=5&pool_timeout=2&pgbouncer=true&application_name=web",
            "postgresql+psycopg://ann:pw@h:6543/shop", "postgis://ann:pw@h:6543/shop?conn_max_age=600",
            "postgresql://ann:pw@h:6543/shop?pool=5&encoding=unicode&sslmode=require&prepared_statements=false",
        ])
    func readsApplicationsURL(_ url: String) throws {
        let settings = try ConnectionSettings(url)
        #expect(settings.host == "h" && settings.port == 6543 && settings.user == "ann" && settings.database == "shop")
        #expect(settings.password() == "pw")
        #expect(settings.applicationName == (url.contains("application_name") ? "web" : "strata"))
        #expect(settings.tls.mode == (url.contains("sslmode") ? "require" : "prefer"))
    }

    @Test func `Whether a certificate is checked is as Prisma has it`() throws {
        for (words, mode) in [
            ("sslaccept=strict", "verify-full"), ("sslmode=require&sslaccept=strict&schema=x", "verify-full"),
            ("sslmode=require&sslaccept=accept_invalid_certs", "require"),
        ] {
            #expect(try ConnectionSettings("postgresql://h/d?\(words)").tls.mode == mode, "\(words)")
        }
        #expect(throws: PostgresError.self) { try ConnectionSettings("postgresql://h/d?sslaccept=other") }
    }

    @Test func `What says how to connect is not passed over`() throws {
        for url in [
            "postgresql://h/d?sslmod=require", "postgresql://h/d?schemas=x", "postgresql+://h/d", "mysql://h/d",
        ] {
            #expect(throws: PostgresError.self, "\(url)") { try ConnectionSettings(url) }
        }
        let settings = try ConnectionSettings("postgresql://ann:p?schema=x&y@h/d?schema=public")
        #expect(settings.password() == "p?schema=x&y" && settings.database == "d")
        #expect(try ConnectionSettings("postgresql://?host=/run/pg&schema=public").host == "/run/pg")
    }

    @Test func readsKeysAndValues() throws {
        let settings = try ConnectionSettings("host=/run/pg port=5433 dbname='my db' user=bob password='a b'")
        #expect(settings.host == "/run/pg")
        #expect(settings.port == 5433)
        #expect(settings.database == "my db")
        #expect(settings.user == "bob")
    }

    @Test func databaseDefaultsToUser() throws {
        #expect(try ConnectionSettings("host=h user=carol").database == "carol")
    }

    @Test func readsHostLists() throws {
        let settings = try ConnectionSettings("postgresql://a:1,b:2/db")
        #expect(settings.host == "a,b")
        #expect(settings.port == 1)
    }

    @Test func timeoutsAreBoundedByDefault() throws {
        #expect(try ConnectionSettings("host=h").connectTimeout == 10)
        #expect(try ConnectionSettings("host=h connect_timeout=3").connectTimeout == 3)
        #expect(try ConnectionSettings("host=h connect_timeout=1").connectTimeout == 2)
        #expect(try ConnectionSettings("host=h connect_timeout=0").connectTimeout == nil)
    }

    @Test func overridesSingleKeys() throws {
        let base = try ConnectionSettings("postgresql://ann:s3cr3t@h/one")
        let other = try base.settings(["dbname": "two", "application_name": "x"])
        #expect(other.database == "two")
        #expect(other.user == "ann")
        #expect(other.applicationName == "x")
        #expect(base.applicationName == "strata")
        #expect(throws: PostgresError.self) { try base.settings(["no_such_key": "1"]) }
        #expect(throws: PostgresError.self) { try base.settings(["dbname": "a\0b"]) }
    }

    @Test(arguments: [
        "postgresql://ann:s3cr3t-word@h/d?sslpassword=s3cr3t-word",
        "host=h user=ann password=s3cr3t-word sslpassword=s3cr3t-word",
    ])
    func showsNoSecret(_ string: String) throws {
        let settings = try ConnectionSettings(string)
        var dumped = ""
        dump(settings, to: &dumped)
        dump([settings], to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), "\([settings])", dumped] {
            #expect(!text.contains("s3cr3t-word"))
            #expect(text.contains("ann"))
        }
    }

    /// Each of them makes libpq, or a naive caller, repeat a piece of the password.
    @Test(arguments: [
        "postgresql://ann:s3cr3t/word@h/d",
        "postgresql://ann:s3cr3t@word@h/d",
        "postgresql://ann:s3cr3t%zzword@h/d",
        "postgresql://ann:12/s3cr3t@h/d",
        "host=h password=my s3cr3t word",
        "host=h password=my s3cr3t=word",
        "host=h password='s3cr3t",
        "host=h password=\"my s3cr3t\" x",
        "passwrod=s3cr3t",
        "s3cr3t",
        "host=h port=s3cr3t",
        "host=h connect_timeout=s3cr3t",
        "host=h sslmode=s3cr3t",
        "postgresql://[s3cr3t/d",
        "host=h\0s3cr3t",
    ])
    func malformedStringIsExplainedWithoutItsSecret(_ string: String) throws {
        let error = try #require(throws: PostgresError.self) { try ConnectionSettings(string) }
        #expect(error.kind == .invalidInput)
        #expect(error.message.hasPrefix("the connection string cannot be used: "))
        #expect(error.hint != nil)
        #expect(!"\(error)".contains("s3cr3t"))
        #expect(!"\(error)".contains("word\""))
    }

    @Test func unknownServiceIsNamedAsProblem() throws {
        let error = try #require(throws: PostgresError.self) { try ConnectionSettings("service=nowhere_to_be_found") }
        #expect(error.message.contains("service"))
    }
}
