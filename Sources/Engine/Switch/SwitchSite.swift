import Planning
import PostgresDriver

/// Both databases of a split, and which of them has the schema now.
struct SwitchSite: Sendable {
    /// The main database: its record says where the schema lives.
    let home: Connection
    let target: Connection
    let mainName: String
    let targetName: String
    /// The schema lives on the target.
    let isSwitched: Bool

    init(_ site: SplitSite, _ record: SplitRecord, mainName: String) {
        home = site.source
        target = site.target
        self.mainName = mainName
        targetName = record.database
        isSwitched = record.isSwitched
    }

    /// The database that has the schema, and the one that follows it.
    var from: Connection { isSwitched ? target : home }
    var to: Connection { isSwitched ? home : target }
    var fromName: String { isSwitched ? targetName : mainName }
    var toName: String { isSwitched ? mainName : targetName }

    /// The stream that is in force.
    var forward: SplitRecord.Direction { isSwitched ? .back : .out }

    func streams(_ record: SplitRecord, _ direction: SplitRecord.Direction) -> SplitStreams {
        switch direction {
        case .out: SplitStreams(record: record, source: home, target: target, direction: .out)
        case .back: SplitStreams(record: record, source: target, target: home, direction: .back)
        }
    }
}
