"""Statements, the work that makes them, and their mails."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core import ids

_HEX = r"^[0-9a-f]{64}$"


class Series(models.Model):
    """The last number taken of a series of statement numbers: `2026`, or `TEST-2026` for test data."""

    name = models.CharField(primary_key=True, max_length=20)
    last = models.IntegerField(default=0)

    class Meta:
        db_table = "statements_series"
        verbose_name_plural = "series"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(last__gte=0), name="statements_series_last")]

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


class Statement(models.Model):
    """One issue of a merchant's month in one currency. Numbered first (its figures and number are then
    fixed), issued when its files are stored. Amounts are in minor units. `issued_at` is business time."""

    NUMBERED, ISSUED, SUPERSEDED = "numbered", "issued", "superseded"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    currency = models.CharField(max_length=3)
    month = models.DateField(help_text="First day of the month")
    version = models.SmallIntegerField(default=1, validators=[MinValueValidator(1)])
    series = models.CharField(max_length=20)
    serial = models.IntegerField()
    number = models.CharField(max_length=40, unique=True)
    status = models.CharField(max_length=12, default=NUMBERED)
    opening = models.BigIntegerField()
    closing = models.BigIntegerField()
    totals = models.JSONField(help_text="Sum by kind of movement, in minor units")
    lines = models.IntegerField()
    postings = models.IntegerField()
    data_sha256 = models.CharField(max_length=64)
    pdf_sha256 = models.CharField(max_length=64, blank=True, default="")
    csv_sha256 = models.CharField(max_length=64, blank=True, default="")
    issued_at = models.DateTimeField(help_text="Business time")
    mailed_at = models.DateTimeField(null=True, blank=True, help_text="When a mail server took the first mail")
    superseded_by = models.UUIDField(null=True, blank=True)

    class Meta:
        db_table = "statements_statement"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merchant_id", "livemode", "currency", "month", "version"], name="statements_statement_once"),
            models.UniqueConstraint(fields=["series", "serial"], name="statements_statement_serial"),
            models.UniqueConstraint(
                fields=["merchant_id", "livemode", "currency", "month"],
                condition=~Q(status="superseded"),
                name="statements_statement_one_current",
            ),
            models.CheckConstraint(condition=Q(status__in=["numbered", "issued", "superseded"]), name="statements_statement_status"),
            models.CheckConstraint(condition=Q(month__day=1), name="statements_statement_month"),
            models.CheckConstraint(
                condition=Q(version__gte=1, serial__gte=1, lines__gte=0, postings__gte=0), name="statements_statement_counts"
            ),
            models.CheckConstraint(condition=Q(data_sha256__regex=_HEX), name="statements_statement_data_hash"),
            models.CheckConstraint(
                condition=Q(status="numbered", pdf_sha256="", csv_sha256="")
                | Q(pdf_sha256__regex=_HEX, csv_sha256__regex=_HEX) & ~Q(status="numbered"),
                name="statements_statement_files",
            ),
            models.CheckConstraint(
                condition=Q(status="superseded", superseded_by__isnull=False) | ~Q(status="superseded") & Q(superseded_by=None),
                name="statements_statement_superseded",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Data(models.Model):
    """The canonical JSON text that a statement was made from. Never changed."""

    statement = models.OneToOneField(Statement, primary_key=True, on_delete=models.PROTECT, related_name="data")
    body = models.TextField()

    class Meta:
        db_table = "statements_data"
        verbose_name_plural = "data"

    def __str__(self) -> str:
        return str(self.statement_id)


class Work(models.Model):
    """One statement to be made. Claimed under a lease by the database's clock; parked after five
    attempts. `statement_id` is set once the statement has its number."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    month = models.DateField(help_text="First day of the month")
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=8, default="pending")
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    statement_id = models.UUIDField(null=True, blank=True)
    created = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "statements_work"
        verbose_name_plural = "work"
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="pending"), name="statements_work_due"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "merchant_id", "livemode", "currency"], name="statements_work_once"),
            models.CheckConstraint(condition=Q(state__in=["pending", "done", "parked"]), name="statements_work_state"),
            models.CheckConstraint(
                condition=Q(state="pending", finished_at=None) | ~Q(state="pending") & Q(finished_at__isnull=False, lease_until=None),
                name="statements_work_finished",
            ),
            models.CheckConstraint(condition=~Q(state="done") | Q(statement_id__isnull=False), name="statements_work_done"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {ids.encode('acct', self.merchant_id)} {self.currency}"


class Delivery(models.Model):
    """One mail with a statement. `sending` under a lease, `sent` when the mail server took it; its
    Message-ID never changes, so that a repeat can be told by whoever receives it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="deliveries")
    recipient = models.EmailField()
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=8, default="pending")
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "statements_delivery"
        verbose_name_plural = "deliveries"
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=Q(state__in=["pending", "sending"]), name="statements_delivery_due"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["statement", "recipient"], name="statements_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=["pending", "sending", "sent", "parked"]), name="statements_delivery_state"),
            models.CheckConstraint(
                condition=Q(state="sending", lease_until__isnull=False) | ~Q(state="sending") & Q(lease_until=None),
                name="statements_delivery_lease",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent") & Q(sent_at=None), name="statements_delivery_sent"
            ),
        ]

    def __str__(self) -> str:
        return self.message_id
