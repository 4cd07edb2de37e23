"""What Django's manage.py does, and: fill makes objects, dump prints all of them, more makes others."""
import datetime
import json
import os
import sys
import uuid
from decimal import Decimal

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
import django  # noqa: E402

django.setup()
UTC = datetime.timezone.utc


def fill(count=300):
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.sessions.backends.db import SessionStore
    from shelter.models import Animal, Breed, Keeper, Passport

    traits = [{}, None, {"size": 1.5, "tags": ["é", "\\", "\""], "deep": {"a": [1, None, True]}}, [1, 2], "text", 12345678901234567890]
    breeds = [Breed.objects.create(name=f"Rasse {i} 🐕", slug=f"rasse-{i}", traits=traits[i % 6]) for i in range(12)]
    keepers = []
    for i in range(20):
        keepers.append(Keeper.objects.create(
            email=None if i % 5 == 0 else f"k{i}@example.org", seen_from=[None, "10.0.0.1", "2001:db8::1"][i % 3],
            boss=keepers[i // 2] if i else None))
    for i in range(count):
        animal = Animal.objects.create(
            name=f"Tier {i}\tö'\n\\N", breed=breeds[i % 12], token=None if i % 3 else uuid.UUID(int=i * 7919 << 64),
            born=None if i % 7 == 0 else datetime.date(1, 1, 1) + datetime.timedelta(days=i * 2400),
            fed_at=None if i % 4 == 0 else datetime.time(i % 24, i % 60, i % 59, i * 3331 % 1000000),
            arrived=datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC) + datetime.timedelta(days=i * 31, microseconds=i * 7),
            stays=[None, datetime.timedelta(days=3, hours=2, microseconds=1), datetime.timedelta(0), -datetime.timedelta(minutes=5)][i % 4],
            weight=[None, 1 / 3, 1e300, -0.1, 5.0][i % 5], price=[None, Decimal("9999999999.99"), Decimal("0.10"), Decimal(-i)][i % 4],
            tame=i % 2 == 0, vaccinated=[None, True, False][i % 3], photo=None if i % 6 == 0 else bytes(range(i % 256)),
            notes="" if i % 8 == 0 else "x" * i, legs=i % 100, chip=None if i % 9 == 0 else 2**62 - i, mood=["calm", "wild"][i % 2])
        animal.keepers.set(keepers[i % 20:][:3])
        if i % 10 == 0:
            Passport.objects.create(animal=animal, number=f"P{i}")
    # Ids of rows that are gone must not be given out again.
    Animal.objects.filter(pk__gt=count - 5).delete()
    user = User.objects.create_superuser("admin", "a@example.org", "secret")
    group = Group.objects.create(name="keepers")
    group.permissions.set(Permission.objects.filter(content_type__app_label="shelter"))
    user.groups.add(group)
    session = SessionStore()
    session["animal"] = 7
    session.create()


def plain(value):
    """Keys of JSON have no order in PostgreSQL."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return repr(bytes(value) if isinstance(value, memoryview) else value)


def dump():
    from django.apps import apps

    for model in sorted(apps.get_models(include_auto_created=True), key=lambda m: m._meta.label):
        for item in model.objects.order_by("pk"):
            fields = [f"{field.attname}={plain(getattr(item, field.attname))}" for field in model._meta.concrete_fields]
            print(model._meta.label, " ".join(fields))


def more():
    """Objects of every model, from ids that sequences give."""
    from shelter.models import Animal

    greatest = Animal.objects.order_by("-pk")[0].pk
    fill_one = Animal.objects.create(name="new", breed_id=1, arrived=datetime.datetime.now(UTC))
    fill_one.keepers.set(Animal.objects.order_by("pk")[0].keepers.all())
    from django.contrib.auth.models import Group, User
    User.objects.create_user("second").groups.add(Group.objects.create(name="others"))
    print(greatest, fill_one.pk, fill_one.double)


if __name__ == "__main__":
    if sys.argv[1] in ("fill", "dump", "more"):
        globals()[sys.argv[1]]()
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
