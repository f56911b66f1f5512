"""Answers that are compared: those that wait for it, how many there were, and those that differed."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from apps.core import ids
from apps.cutover.domain import ENDPOINTS

_KINDS = [(name, name) for name in ENDPOINTS]


class ShadowRate(models.Model):
    """Which share of an endpoint's hot requests is answered a second time; without a row, the setting
    `SHADOW_READ_PERCENT` or `SHADOW_WRITE_PERCENT`. Processes see a change within five seconds."""

    endpoint = models.CharField(primary_key=True, max_length=60, choices=_KINDS)
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150)

    class Meta:
        db_table = "cutover_shadow_rate"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(percent__gte=0, percent__lte=100), name="cutover_shadow_rate_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.percent.normalize():f} % of {self.endpoint}"


class Sample(models.Model):
    """A hot request and the answer that was sent, until it is compared. `caller` and `headers` are what
    of the request the answer depends on; never a key. Lost without harm when PostgreSQL crashes."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    endpoint = models.CharField(max_length=60)
    caller = models.JSONField()
    method = models.CharField(max_length=7)
    path = models.TextField()
    query = models.TextField()
    headers = models.JSONField()
    body = models.BinaryField()
    status = models.SmallIntegerField()
    content_type = models.TextField()
    answer = models.BinaryField()
    read_at = models.DateTimeField(help_text="When the answer was given, by the machine's clock")
    lease_until = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "cutover_sample"

    def __str__(self) -> str:
        return f"{self.endpoint}, {self.read_at:%H:%M:%S}"


class Tally(models.Model):
    """How many samples, taken in the ten seconds from `at` on, came to what; after two hours folded
    into whole hours. `compared` counts those that differed or had moved on too; `skipped` and
    `dropped` were not compared."""

    pk = models.CompositePrimaryKey("at", "endpoint")
    at = models.DateTimeField()
    endpoint = models.CharField(max_length=60)
    compared = models.BigIntegerField()
    differing = models.BigIntegerField()
    moved_on = models.BigIntegerField()
    skipped = models.BigIntegerField()
    dropped = models.BigIntegerField()

    class Meta:
        db_table = "cutover_tally"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    differing__gte=0, moved_on__gte=0, skipped__gte=0, dropped__gte=0, compared__gte=F("differing") + F("moved_on")
                ),
                name="cutover_tally_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.differing} of {self.compared} differ"


class Difference(models.Model):
    """Two answers to one request that should have been the same. Bodies are cut at 64 KB and hold no
    secrets; they belong to the merchant and are deleted after 30 days. For writes both sides are the
    answer and its effects with ids and times masked."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    endpoint = models.CharField(max_length=60)
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    request_id = models.CharField(max_length=64)
    method = models.CharField(max_length=7)
    path = models.TextField()
    query = models.TextField()
    what = models.TextField()
    hot_status = models.SmallIntegerField()
    hot_body = models.TextField()
    classic_status = models.SmallIntegerField()
    classic_body = models.TextField()
    read_at = models.DateTimeField(help_text="When the hot answer was given")
    compared_at = models.DateTimeField(help_text="By the database's clock")
    explained_at = models.DateTimeField(null=True)
    explained_by = models.CharField(max_length=150, null=True)
    note = models.CharField(max_length=1000, null=True)

    class Meta:
        db_table = "cutover_difference"
        verbose_name = "shadow difference"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-id"], name="cutover_difference_endpoint"),
            models.Index(fields=["compared_at"], name="cutover_difference_age"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(explained_at=None, explained_by=None, note=None)
                | (Q(explained_at__isnull=False, explained_by__isnull=False, note__isnull=False) & ~Q(note="")),
                name="cutover_difference_explained",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.what}"
