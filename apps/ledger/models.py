"""The ledger's tables as the ORM reads them. SQL makes them (sql/0001_tables.sql) and only
`ledger_post`, `ledger_set_period` and `ledger_seal` write them."""

from django.db import models

from apps.core import ids


class Account(models.Model):
    id = models.UUIDField(primary_key=True)
    code = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=80)
    family = models.CharField(max_length=40)
    kind = models.CharField(max_length=10)
    normal_side = models.CharField(max_length=6)
    guard = models.CharField(max_length=12)
    stripes = models.SmallIntegerField()
    currency = models.CharField(max_length=3)
    livemode = models.BooleanField()
    merchant_id = models.UUIDField(null=True)
    created = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "ledger_account"

    def __str__(self) -> str:
        return self.code


class Balance(models.Model):
    """A stripe of an account's totals, on its normal side, in minor units."""

    pk = models.CompositePrimaryKey("account_id", "stripe")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="balances")
    stripe = models.SmallIntegerField()
    guarded = models.BooleanField()
    posted = models.BigIntegerField()
    held = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "ledger_balance"


class Entry(models.Model):
    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=40)
    booked_on = models.DateField()
    recorded_at = models.DateTimeField()
    effective_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=120)
    sequence = models.IntegerField()
    reverses = models.ForeignKey("self", models.DO_NOTHING, db_column="reverses", null=True, related_name="reversed_by")
    livemode = models.BooleanField()
    metadata = models.JSONField()
    lines = models.SmallIntegerField()
    seal_no = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "ledger_entry"
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return ids.encode("ent", self.id)


class Posting(models.Model):
    """`amount` in minor units, debit positive; `balance_after` on the account's normal side."""

    id = models.BigIntegerField(primary_key=True)
    entry = models.ForeignKey(Entry, models.DO_NOTHING, related_name="postings")
    line = models.SmallIntegerField()
    booked_on = models.DateField()
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="postings")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "ledger_posting"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Hold(models.Model):
    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="holds")
    amount = models.BigIntegerField()
    status = models.CharField(max_length=10)
    kind = models.CharField(max_length=40)
    source = models.CharField(max_length=120)
    created = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(Entry, models.DO_NOTHING, null=True, related_name="+")

    class Meta:
        managed = False
        db_table = "ledger_hold"

    def __str__(self) -> str:
        return f"{self.amount} {self.status}"


class Period(models.Model):
    month = models.DateField(primary_key=True)
    status = models.CharField(max_length=12)
    version = models.IntegerField()
    reason = models.CharField(max_length=500, null=True)
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "ledger_period"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Seal(models.Model):
    no = models.BigIntegerField(primary_key=True)
    entries = models.IntegerField()
    previous = models.BinaryField()
    hash = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "ledger_seal"

    def __str__(self) -> str:
        return str(self.no)
