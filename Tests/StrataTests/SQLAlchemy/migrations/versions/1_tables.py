"""As Alembic's autogenerate writes it, with what it leaves to its user: a cycle of keys, a sequence, indexes of expressions."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "1"
down_revision = None


def upgrade():
    large = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "harbour", sa.Column("id", sa.Uuid(), primary_key=True), sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("flagship_id", sa.Integer()))
    if op.get_bind().dialect.supports_sequences:
        op.execute(sa.schema.CreateSequence(sa.Sequence("sailor_numbers")))
    op.create_table("sailor", sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False), sa.Column("name", sa.Text(), nullable=False))
    op.create_table(
        "ship", sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True), sa.Column("home_id", sa.Uuid(), sa.ForeignKey("harbour.id"), nullable=False),
        sa.Column("name", sa.String(40), nullable=False), sa.Column("token", sa.Uuid(), unique=True), sa.Column("launched", sa.Date()),
        sa.Column("noon_gun", sa.Time()), sa.Column("arrived", sa.DateTime(), nullable=False), sa.Column("reported", sa.DateTime(timezone=True)),
        sa.Column("stay", sa.Interval()), sa.Column("price", sa.Numeric(10, 2)), sa.Column("draught", sa.Numeric(20, 6)), sa.Column("length", sa.Float()),
        sa.Column("cargo", sa.LargeBinary()), sa.Column("papers", sa.JSON()), sa.Column("tags", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
        sa.Column("is_afloat", sa.Boolean(), server_default=sa.true(), nullable=False), sa.Column("is_insured", sa.Boolean()),
        sa.Column("rig", sa.Enum("SLOOP", "KETCH", name="rig"), nullable=False),
        sa.Column("flag", sa.Enum("red", "blue", name="flag_colour", native_enum=False, create_constraint=True)),
        sa.Column("guns", sa.SmallInteger(), server_default="4", nullable=False),
        sa.Column("mark", sa.BigInteger()), sa.Column("remarks", sa.Text(), server_default="", nullable=False),
        sa.Column("broadside", sa.Integer(), sa.Computed("guns / 2", persisted=True), nullable=False),
        sa.Column("added", sa.DateTime(), server_default=sa.func.now(), nullable=False), sa.CheckConstraint("guns >= 0", name="guns_bounded"),
        sa.UniqueConstraint("name", "home_id", name="one_of_a_name"))
    op.create_index("ix_ship_home_id", "ship", ["home_id"])
    op.create_index("latest", "ship", [sa.text("arrived DESC"), "name"])
    op.create_index("by_name", "ship", [sa.text("lower(name)")])
    op.create_index("afloat_mark", "ship", ["mark"], sqlite_where=sa.text("is_afloat"), postgresql_where=sa.text("is_afloat"))
    op.create_table(
        "Voyage", sa.Column("id", large, primary_key=True), sa.Column("ship_id", sa.Integer(), sa.ForeignKey("ship.id"), nullable=False),
        sa.Column("after_id", large, sa.ForeignKey("Voyage.id")), sa.Column("Port of call", sa.String(20), nullable=False))
    op.create_table(
        "crew", sa.Column("ship_id", sa.Integer(), sa.ForeignKey("ship.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sailor_number", sa.Integer(), sa.ForeignKey("sailor.number"), primary_key=True), sa.Column("rank", sa.String(10), server_default="mate"))
    with op.batch_alter_table("harbour") as batch:
        batch.create_foreign_key("harbour_flagship", "ship", ["flagship_id"], ["id"])
