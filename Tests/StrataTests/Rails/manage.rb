# An application of Rails' ActiveRecord, on the SQLite file or the PostgreSQL database that the environment names.
#
# migrate makes its tables; fill makes objects, dump prints all of them, more makes others.
require "active_record"

url = ENV["APP_DATABASE"].to_s
ActiveRecord::Base.establish_connection(url.empty? ? { adapter: "sqlite3", database: "app.db" } : url)
Time.zone = "UTC"
ActiveRecord::Base.time_zone_aware_attributes = true

class Station < ActiveRecord::Base
  belongs_to :parent, class_name: "Station", optional: true
  belongs_to :best, class_name: "Train", optional: true
  has_and_belongs_to_many :trains
end

class Train < ActiveRecord::Base
  enum state: { waiting: 0, moving: 1, broken: 7 }
  belongs_to :station
  belongs_to :owner, polymorphic: true, optional: true
  has_and_belongs_to_many :stations
end

class Ticket < ActiveRecord::Base
  belongs_to :train
end

# From Rails 7.1 on it finds its own table.
def migrations
  own = ActiveRecord::VERSION::MAJOR < 7 ? [ActiveRecord::SchemaMigration] : []
  ActiveRecord::MigrationContext.new("migrate", *own)
end

def migrate
  ActiveRecord::Migration.verbose = false
  migrations.migrate
end

def fill(count = 300)
  chance = Random.new(7)
  texts = ["", "ö🚂", "a\tb\r\nc", "\\N", "'\"\\", " x ", "NULL", "{}", "0", "t"]
  facts = [nil, {}, { "size" => 1.5, "tags" => ["é", "\\", "\""], "deep" => { "a" => [1, nil, true] } }, [1, 2], "text", "5", 5, true, false]
  from = Time.utc(1, 1, 1)
  moment = -> { from + chance.rand(315_537_897_599) + Rational(chance.rand(1_000_000), 1_000_000) }
  ActiveRecord::Base.transaction do
    stations = (0...12).map { |i| Station.create!(name: "Bahnhof #{i} 🚉", open: i.odd?) }
    stations.each_with_index { |station, i| station.update!(parent: stations[i / 2]) if i.positive? }
    trains = (0...count).map do |i|
      Train.create!(
        station: stations.sample(random: chance), number: "#{texts.sample(random: chance)}#{i}", secret: [nil, chance.bytes(16).unpack1("H*")].sample(random: chance),
        remarks: texts.sample(random: chance) * 20, state: Train.states.keys.sample(random: chance), small: [nil, 32_767, -32_768].sample(random: chance),
        mark: [nil, 2**63 - 1, -(2**63), 7].sample(random: chance), weight: [nil, 1.0 / 3, 1e300, 5e-324, -0.0, 5.0].sample(random: chance),
        price: [nil, BigDecimal("99999999.99"), BigDecimal("-0.01"), BigDecimal(5), BigDecimal(chance.rand(10**9)) / 100].sample(random: chance),
        ratio: [nil, BigDecimal("0.000001"), BigDecimal(10)**15, BigDecimal("-2.5")].sample(random: chance),
        built_on: [nil, Date.new(1, 1, 1), Date.new(9999, 12, 31), moment.call.to_date].sample(random: chance),
        leaves: [nil, "00:00:00", "23:59:59", "07:30"].sample(random: chance), seen_at: [nil, moment.call].sample(random: chance),
        exact_at: [nil, Time.utc(1969, 12, 31, 23, 59, 59, 999_999), moment.call].sample(random: chance), picture: [nil, "", (0..255).to_a.pack("C*")].sample(random: chance),
        facts: facts.sample(random: chance), freight: [nil, true, false].sample(random: chance), owner: [nil, *stations].sample(random: chance), stations: stations.sample(i % 4, random: chance))
    end
    stations.each { |station| station.update!(best: trains[0...-5].sample(random: chance)) }
    trains.first(20).each_with_index { |train, i| Ticket.create!(id: "T#{i}", train: train, "Seat No" => "#{i}a") }
    trains.last(2).each(&:destroy!)
  end
end

def plain(value)
  case value
  when ActiveSupport::TimeWithZone, Time then value.utc.iso8601(6)
  when Hash then JSON.generate(value.sort.to_h)
  when BigDecimal then value.to_s("F")
  else value.inspect
  end
end

def dump
  [Station, Train, Ticket].each do |model|
    model.order(:id).each { |item| puts "#{model} " + item.attributes.sort.map { |name, value| "#{name}=#{plain(value)}" }.join(" ") }
  end
  puts(ActiveRecord::Base.connection.select_rows("SELECT train_id, station_id FROM stations_trains ORDER BY 1, 2").map { |row| row.join(" ") })
end

# Objects of every model, from ids that sequences give; each id is the next one that was never given out.
def more
  before = [Station, Train].map { |model| model.maximum(:id) }
  station = Station.create!(name: "new")
  train = Train.create!(station: station, number: "new", stations: [station])
  Ticket.create!(id: "new", train: train)
  puts [station.id - before[0], train.id - before[1], train.state, train.lamps].join(" ")
  puts migrations.needs_migration?
end

ARGV.each { |word| send(word) }
