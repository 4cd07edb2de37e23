class CreateTables < ActiveRecord::Migration[6.1]
  def change
    create_table :stations do |t|
      t.string :name, limit: 80, null: false, index: { unique: true }
      t.boolean :open, null: false, default: true
      t.references :parent, foreign_key: { to_table: :stations }
      t.timestamps
    end
    create_table :trains do |t|
      t.references :station, null: false, foreign_key: true
      t.string :number, null: false
      t.string :secret, limit: 32
      t.text :remarks, null: false, default: ""
      t.integer :state, null: false, default: 0
      t.integer :small, limit: 2
      t.bigint :mark
      t.float :weight
      t.decimal :price, precision: 10, scale: 2
      t.decimal :ratio
      t.date :built_on
      t.time :leaves
      t.datetime :seen_at
      t.datetime :exact_at, precision: 6
      t.binary :picture
      t.json :facts
      t.boolean :freight
      t.references :owner, polymorphic: true
      t.integer :stops_count, default: 0
      t.timestamps
      t.index %i[station_id number], unique: true
      t.index :price, where: "price > 100"
      t.check_constraint "stops_count >= 0", name: "stops_bounded"
    end
  end
end
