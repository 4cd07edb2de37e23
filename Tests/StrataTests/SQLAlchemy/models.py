import datetime
import enum
import uuid
from decimal import Decimal

from sqlalchemy import (
    JSON, BigInteger, Boolean, CheckConstraint, Column, Computed, DateTime, Enum, ForeignKey, Identity, Index, Integer, Interval,
    LargeBinary, Numeric, Sequence, SmallInteger, String, Table, Text, UniqueConstraint, Uuid, false, func, text, true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Rig(enum.Enum):
    SLOOP = "one mast"
    KETCH = "two masts"


class Harbour(Base):
    __tablename__ = "harbour"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    flagship_id: Mapped[int | None] = mapped_column(ForeignKey("ship.id", use_alter=True, name="harbour_flagship"))


crew = Table(
    "crew", Base.metadata, Column("ship_id", ForeignKey("ship.id", ondelete="CASCADE"), primary_key=True),
    Column("sailor_number", ForeignKey("sailor.number"), primary_key=True), Column("rank", String(10), server_default="mate"))


class Sailor(Base):
    __tablename__ = "sailor"
    number: Mapped[int] = mapped_column(Integer, Sequence("sailor_numbers"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Ship(Base):
    __tablename__ = "ship"
    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("harbour.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    token: Mapped[uuid.UUID | None] = mapped_column(Uuid, unique=True)
    launched: Mapped[datetime.date | None]
    noon_gun: Mapped[datetime.time | None]
    arrived: Mapped[datetime.datetime] = mapped_column(DateTime)
    reported: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    stay: Mapped[datetime.timedelta | None] = mapped_column(Interval)
    price: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    draught: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    length: Mapped[float | None]
    cargo: Mapped[bytes | None] = mapped_column(LargeBinary)
    papers: Mapped[object | None] = mapped_column(JSON)
    tags: Mapped[object | None] = mapped_column(JSON().with_variant(JSONB, "postgresql"))
    is_afloat: Mapped[bool] = mapped_column(server_default=true())
    is_insured: Mapped[bool | None]
    rig: Mapped[Rig] = mapped_column(default=Rig.SLOOP)
    flag: Mapped[str | None] = mapped_column(Enum("red", "blue", name="flag_colour", native_enum=False, create_constraint=True))
    guns: Mapped[int] = mapped_column(SmallInteger, server_default="4")
    mark: Mapped[int | None] = mapped_column(BigInteger)
    remarks: Mapped[str] = mapped_column(Text, server_default="")
    broadside: Mapped[int] = mapped_column(Integer, Computed("guns / 2", persisted=True))
    added: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    sailors: Mapped[list[Sailor]] = relationship(secondary=crew, order_by=Sailor.number)

    __table_args__ = (
        UniqueConstraint("name", "home_id", name="one_of_a_name"), CheckConstraint("guns >= 0", name="guns_bounded"),
        Index("latest", text("arrived DESC"), "name"), Index("by_name", func.lower(text("name"))),
        Index("afloat_mark", "mark", sqlite_where=text("is_afloat"), postgresql_where=text("is_afloat")),
    )


class Voyage(Base):
    """As SQLAlchemy advises for large keys: SQLite counts INTEGER ones only."""
    __tablename__ = "Voyage"
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("ship.id"))
    after_id: Mapped[int | None] = mapped_column(ForeignKey("Voyage.id"))
    port: Mapped[str] = mapped_column("Port of call", String(20))
    is_return: Mapped[bool] = mapped_column("return", Boolean(name="return_or_not", create_constraint=True), server_default=false())
