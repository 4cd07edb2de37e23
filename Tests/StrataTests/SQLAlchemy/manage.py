"""An application of SQLAlchemy, on the SQLite file or the PostgreSQL database that the environment names.

migrate makes its tables, by Alembic; fill makes objects, dump prints all of them, more makes others.
"""
import datetime
import json
import os
import random
import sys
import uuid
from decimal import Decimal

from sqlalchemy import create_engine, func, inspect, select
from sqlalchemy.orm import Session

from models import Harbour, Rig, Sailor, Ship, Voyage, crew

UTC = datetime.timezone.utc
url = os.environ.get("APP_DATABASE", "")
engine = create_engine("postgresql+psycopg:" + url.partition(":")[2] if url else "sqlite:///app.db")


def migrate():
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"engine": engine})
    config.set_main_option("script_location", "migrations")
    command.upgrade(config, "head")
    # Of SQLite, Alembic does not read indexes of expressions.
    if url:
        command.check(config)


def fill(count=300):
    chance = random.Random(7)
    texts = ["", "ö🐕", "a\tb\r\nc", "\\N", "'\"\\", " x ", "NULL", "{}", "0"]
    days = datetime.timedelta(days=1)
    papers = [None, {}, {"size": 1.5, "tags": ["é", "\\", "\""], "deep": {"a": [1, None, True]}}, [1, 2], "text", "5", 5, 2.5, True, {"big": 2**64}]

    def a_uuid():
        return uuid.UUID(int=chance.getrandbits(128))

    def a_moment():
        return datetime.datetime(1, 1, 1) + datetime.timedelta(days=chance.randrange(3652058), microseconds=chance.randrange(86400 * 10**6))

    with Session(engine) as session:
        harbours = [Harbour(id=a_uuid(), name=f"Hafen {i} ⚓") for i in range(8)]
        sailors = [Sailor(name=texts[i % 9] + str(i)) for i in range(30)]
        session.add_all(harbours + sailors)
        session.flush()
        ships = []
        for i in range(count):
            ships.append(Ship(
                home_id=chance.choice(harbours).id, name=f"{chance.choice(texts)}{i}", token=chance.choice([None, a_uuid()]),
                launched=chance.choice([None, datetime.date.min, datetime.date.max, a_moment().date()]),
                noon_gun=chance.choice([None, datetime.time.min, datetime.time.max, a_moment().time()]),
                arrived=chance.choice([datetime.datetime.min, datetime.datetime.max, datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), a_moment()]),
                reported=chance.choice([None, a_moment().replace(tzinfo=UTC)]),
                stay=chance.choice([None, 0 * days, days / 86400 / 10**6, -days / 3, 1000 * days, days * chance.gauss(0, 30)]),
                price=chance.choice([None, Decimal("99999999.99"), Decimal("-0.01"), Decimal(5), Decimal(chance.randrange(10**9)) / 100]),
                draught=chance.choice([None, Decimal("0.000001"), Decimal(chance.randrange(10**14)) / 10**6]),
                length=chance.choice([None, 1 / 3, 1e300, 5e-324, -0.0, float("inf"), 5.0, chance.gauss(0, 1e6)]),
                cargo=chance.choice([None, b"", bytes(range(256)), chance.randbytes(16)]), papers=chance.choice(papers), tags=chance.choice(papers),
                is_afloat=chance.choice([True, False]), is_insured=chance.choice([None, True, False]), rig=chance.choice(list(Rig)),
                flag=chance.choice([None, "red", "blue"]), guns=chance.choice([0, 1, 32767]), mark=chance.choice([None, 2**63 - 1, -(2**63), 7]),
                remarks=chance.choice(texts) * 20, sailors=chance.sample(sailors, i % 4)))
        session.add_all(ships)
        session.flush()
        for harbour in harbours[1:]:
            harbour.flagship_id = chance.choice(ships[:-5]).id
        voyages = []
        for i in range(50):
            voyages.append(Voyage(ship_id=ships[i].id, port=f"Port {i}", is_return=i % 3 == 0, after_id=voyages[i // 2].id if i else None))
            session.add(voyages[i])
            session.flush()
        for ship in ships[-2:]:
            session.delete(ship)
        session.commit()


def plain(value):
    """Keys of JSON have no order in PostgreSQL; times with a zone are in UTC in a file, which keeps none."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, datetime.datetime) and value.tzinfo:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return repr(value)


def dump():
    with Session(engine) as session:
        for model in (Harbour, Sailor, Ship, Voyage):
            keys = [attribute.key for attribute in inspect(model).column_attrs]
            for item in session.scalars(select(model).order_by(*inspect(model).primary_key)):
                print(model.__name__, *(f"{key}={plain(getattr(item, key))}" for key in keys))
        for row in session.execute(select(crew).order_by(*crew.primary_key)):
            print("crew", *row)


def more():
    """Objects of every model, from ids that sequences give; each id is the next one."""
    with Session(engine) as session:
        greatest = [session.scalar(select(func.max(column))) for column in (Ship.id, Sailor.number, Voyage.id)]
        harbour = session.scalars(select(Harbour)).first()
        ship = Ship(home_id=harbour.id, name="new", arrived=datetime.datetime(2024, 1, 1), sailors=[Sailor(name="new")])
        session.add(ship)
        session.flush()
        voyage = Voyage(ship_id=ship.id, port="new")
        session.add(voyage)
        session.flush()
        ids = [ship.id, ship.sailors[0].number, voyage.id]
        print(*(new - old for new, old in zip(ids, greatest)), ship.broadside, ship.is_afloat)
        session.commit()


if __name__ == "__main__":
    for word in sys.argv[1:]:
        globals()[word]()
