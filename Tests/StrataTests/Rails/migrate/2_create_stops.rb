# In SQLite, ActiveRecord makes a table with a changed column anew and copies the rows.
class CreateStops < ActiveRecord::Migration[6.1]
  def change
    create_join_table :stations, :trains do |t|
      t.index %i[train_id station_id], unique: true
    end
    create_table :tickets, id: :string do |t|
      t.references :train, foreign_key: { on_delete: :cascade }
      t.string "Seat No"
    end
    add_column :trains, :lamps, :string, default: "two", null: false
    change_column_null :trains, :lamps, true
    add_reference :stations, :best, foreign_key: { to_table: :trains }
    add_index :trains, "lower(number)", name: "by_number"
  end
end
