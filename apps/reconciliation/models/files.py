"""Where files come from, and each file that came."""

from django.db import models
from django.db.models import F, Q

from apps.core import clock, ids


class Source(models.Model):
    """A sender of files: an acquirer that settles, or a bank. `accounts` is a LIKE pattern of the bank accounts that
    are ours there (an IBAN is its own pattern). `ledger_name` is the ledger account whose money a settlement line
    moves. Money behind a reference we do not know is booked in `livemode`. Something expected is overdue after
    `overdue_days`."""

    code = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in ("settlement", "bank")])
    accounts = models.CharField(max_length=64, blank=True, default="")
    ledger_name = models.CharField(max_length=80)
    livemode = models.BooleanField(default=True)
    overdue_days = models.SmallIntegerField(default=3)

    class Meta:
        db_table = "recon_source"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["settlement", "bank"]), name="recon_source_kind"),
            models.CheckConstraint(condition=Q(overdue_days__gte=0), name="recon_source_overdue"),
            models.CheckConstraint(condition=Q(kind="settlement") | ~Q(accounts=""), name="recon_source_accounts"),
        ]

    def __str__(self) -> str:
        return self.code


class SourceFile(models.Model):
    """A file as it came, once: `sha256` is unique. Imported whole, or in quarantine with the reason and nothing of it
    in the books. A file in quarantine may be tried again and then becomes imported."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    sha256 = models.BinaryField(unique=True)
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=10)
    format = models.CharField(max_length=40)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="files")
    size = models.BigIntegerField()
    status = models.CharField(max_length=12, choices=[(status, status) for status in ("imported", "quarantined")])
    error_code = models.CharField(max_length=60, blank=True, default="")
    error = models.TextField(blank=True, default="")
    error_line = models.BigIntegerField(null=True)
    file_date = models.DateField(null=True)
    lines = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    received_by = models.CharField(max_length=150)
    received_at = models.DateTimeField(default=clock.now)
    imported_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_source_file"
        verbose_name = "file"
        indexes = [models.Index(fields=["status", "id"], name="recon_source_file_by_status")]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["imported", "quarantined"]), name="recon_source_file_status"),
            models.CheckConstraint(
                condition=Q(status="imported", error="", imported_at__isnull=False, file_date__isnull=False, source__isnull=False)
                | (Q(status="quarantined", imported_at=None, lines=0) & ~Q(error="")),
                name="recon_source_file_whole",
            ),
            models.CheckConstraint(condition=Q(lines__gte=F("duplicates"), duplicates__gte=0), name="recon_source_file_lines"),
        ]

    def __str__(self) -> str:
        return self.name


class FileContent(models.Model):
    """The bytes of a file, kept apart so that no list reads them."""

    file = models.OneToOneField(SourceFile, on_delete=models.PROTECT, primary_key=True, related_name="content")
    body = models.BinaryField()

    class Meta:
        db_table = "recon_file_content"

    def __str__(self) -> str:
        return f"content of {self.file_id}"


class StatementRecord(models.Model):
    """One account statement inside a bank's file: opening + lines = closing, in signed minor units."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="statements")
    position = models.IntegerField()
    account = models.CharField(max_length=64)
    statement_id = models.CharField(max_length=200)
    page = models.BigIntegerField(default=1)
    sequence = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)
    opening = models.BigIntegerField()
    total = models.BigIntegerField()
    closing = models.BigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()

    class Meta:
        db_table = "recon_statement"
        verbose_name = "bank statement"
        constraints = [
            models.UniqueConstraint(fields=["account", "currency", "statement_id", "page"], name="recon_statement_once"),
            models.UniqueConstraint(fields=["file", "position"], name="recon_statement_position"),
            models.CheckConstraint(condition=Q(closing=F("opening") + F("total")), name="recon_statement_adds_up"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="recon_statement_period"),
        ]

    def __str__(self) -> str:
        return self.statement_id
