"""Lines as they came, which of them are still open, and what they add up to per payout."""

from django.db import models
from django.db.models import F, GeneratedField, Q
from django.db.models.functions import Now

from apps.reconciliation.models.files import Source, SourceFile, StatementRecord

HOPS = ("settlement", "bank")


class LineRecord(models.Model):
    """One line of a file, append-only, partitioned by the month of `file_date` (sql/0001_lines.sql). Amounts are
    signed minor units; `attempt_id` is the attempt that the reference names; `position` counts a file's lines from 1,
    `number` is where in the file each stands."""

    id = models.UUIDField(primary_key=True, editable=False)
    file = models.ForeignKey(SourceFile, on_delete=models.DO_NOTHING, related_name="line_records", db_index=False)
    file_date = models.DateField()
    statement = models.ForeignKey(StatementRecord, on_delete=models.DO_NOTHING, null=True, related_name="+", db_index=False)
    position = models.BigIntegerField()
    number = models.BigIntegerField()
    source = models.ForeignKey(Source, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    hop = models.CharField(max_length=10, choices=[(hop, hop) for hop in HOPS])
    kind = models.CharField(max_length=12)
    external_id = models.CharField(max_length=200)
    reference = models.CharField(max_length=200)
    batch = models.CharField(max_length=100)
    attempt_id = models.UUIDField(null=True)
    booked_on = models.DateField()
    value_on = models.DateField(null=True)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()
    party = models.TextField()
    text = models.TextField()
    raw = models.TextField()
    identity = models.UUIDField()
    nref = GeneratedField(
        expression=models.Func(F("reference"), function="recon_nref"), output_field=models.CharField(max_length=200), db_persist=True
    )
    nbatch = GeneratedField(
        expression=models.Func(F("batch"), function="recon_nref"), output_field=models.CharField(max_length=100), db_persist=True
    )
    net = GeneratedField(expression=F("amount") - F("fee"), output_field=models.BigIntegerField(), db_persist=True)

    class Meta:
        db_table = "recon_source_line"
        verbose_name = "line"

    def __str__(self) -> str:
        return f"line {self.number}"


class LineIdentity(models.Model):
    """The first line of each identity that came; another line of the same identity is a duplicate."""

    identity = models.UUIDField(primary_key=True)
    line_id = models.UUIDField()
    file_date = models.DateField()

    class Meta:
        db_table = "recon_line_identity"

    def __str__(self) -> str:
        return str(self.identity)


class OpenLine(models.Model):
    """A line that no group explains yet: the residue over which the stages run. Deleted when it is matched, put back
    when its group is reversed. `ledger_name` is the account whose money the line moves."""

    line_id = models.UUIDField(primary_key=True)
    file_date = models.DateField()
    file_id = models.UUIDField()
    number = models.BigIntegerField()
    source = models.CharField(max_length=40)
    ledger_name = models.CharField(max_length=80)
    hop = models.CharField(max_length=10)
    kind = models.CharField(max_length=12)
    nref = models.CharField(max_length=200)
    attempt_id = models.UUIDField(null=True)
    booked_on = models.DateField()
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()

    class Meta:
        db_table = "recon_open_line"
        indexes = [models.Index(fields=["hop", "nref"], name="recon_open_line_by_reference")]

    def __str__(self) -> str:
        return f"open line {self.line_id}"


class Payout(models.Model):
    """What a settlement source says it pays under one reference: the sum of its lines that are no duplicates. Of
    `amount`, `test_amount` belongs to test mode. `matched_amount` is what the bank line of `group_id` covered."""

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="payouts", db_index=False)
    reference = models.CharField(max_length=100)
    nref = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    gross = models.BigIntegerField()
    fee = models.BigIntegerField()
    amount = models.BigIntegerField()
    test_amount = models.BigIntegerField()
    lines = models.BigIntegerField()
    first_on = models.DateField()
    last_on = models.DateField()
    group_id = models.UUIDField(null=True)
    matched_amount = models.BigIntegerField(null=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "recon_payout"
        indexes = [
            models.Index(fields=["nref", "currency"], name="recon_payout_by_reference"),
            models.Index(fields=["last_on"], name="recon_payout_open", condition=Q(group_id=None)),
            models.Index(fields=["id"], name="recon_payout_changed", condition=Q(group_id__isnull=False) & ~Q(matched_amount=F("amount"))),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "nref", "currency"], name="recon_payout_once"),
            models.CheckConstraint(condition=Q(amount=F("gross") - F("fee")), name="recon_payout_adds_up"),
            models.CheckConstraint(
                condition=Q(group_id=None, matched_amount=None) | Q(group_id__isnull=False, matched_amount__isnull=False),
                name="recon_payout_matched",
            ),
        ]

    def __str__(self) -> str:
        return self.reference
