import uuid

from django.db import models
from django.db.models import F, Q


class Breed(models.Model):
    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField()
    traits = models.JSONField(default=dict, null=True)


class Keeper(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(null=True)
    seen_from = models.GenericIPAddressField(null=True)
    boss = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)


class Animal(models.Model):
    class Mood(models.TextChoices):
        CALM = "calm"
        WILD = "wild"

    name = models.CharField(max_length=40)
    breed = models.ForeignKey(Breed, on_delete=models.PROTECT)
    keepers = models.ManyToManyField(Keeper)
    token = models.UUIDField(null=True)
    born = models.DateField(null=True)
    fed_at = models.TimeField(null=True)
    arrived = models.DateTimeField()
    stays = models.DurationField(null=True)
    weight = models.FloatField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    tame = models.BooleanField(default=False)
    vaccinated = models.BooleanField(null=True)
    photo = models.BinaryField(null=True)
    notes = models.TextField(blank=True)
    legs = models.PositiveSmallIntegerField(default=4)
    chip = models.BigIntegerField(null=True)
    mood = models.CharField(max_length=8, choices=Mood.choices, default=Mood.CALM)
    double = models.GeneratedField(expression=F("legs") * 2, output_field=models.IntegerField(), db_persist=True)

    class Meta:
        indexes = [models.Index(fields=["-arrived", "name"]), models.Index(fields=["chip"], condition=Q(tame=True), name="tame_chip")]
        constraints = [models.CheckConstraint(condition=Q(legs__lte=100), name="legs_bounded"),
                       models.UniqueConstraint(fields=["name", "breed"], name="one_of_a_name")]


class Passport(models.Model):
    animal = models.OneToOneField(Animal, primary_key=True, on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
