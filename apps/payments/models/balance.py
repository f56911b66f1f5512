"""How a merchant's balance moved, and what of it is not available yet."""

from django.db import models
from django.db.models import F, Q

from apps.payments.models.base import Owned, by_merchant, link


class Transfer(Owned):
    """Money from `merchant_id` to `destination_id`, both merchants of this platform."""

    prefix = "tr"

    destination_id = models.UUIDField()
    balance_transaction = link("payments.BalanceTransaction", constraint=False)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    transfer_group = models.TextField(null=True)

    class Meta:
        db_table = "payments_transfer"
        indexes = [
            by_merchant("transfer"),
            models.Index(fields=["destination_id", "livemode", "id"], name="payments_transfer_to"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payments_transfer_amount"),
            models.CheckConstraint(condition=~Q(destination_id=F("merchant_id")), name="payments_transfer_to_another"),
        ]


class BalanceTransaction(Owned):
    """`amount` − `fee` = `net`, signed. `released`: it is in the available balance. `entry_id` is the
    ledger entry that moved the money."""

    prefix = "txn"

    type = models.CharField(max_length=10, choices=[(type_, type_) for type_ in ("charge", "refund", "transfer", "payment")])
    amount = models.BigIntegerField()
    fee = models.BigIntegerField(default=0)
    net = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    available_on = models.DateField()
    released = models.BooleanField(default=False)
    source = models.CharField(max_length=40)
    entry_id = models.UUIDField()
    description = models.TextField(null=True)

    class Meta:
        db_table = "payments_balance_transaction"
        indexes = [
            by_merchant("txn"),
            models.Index(fields=["source"], name="payments_transaction_of_source"),
        ]


class Funds(models.Model):
    """What a captured payment still has in its merchant's pending balance; all of it moves to the
    available balance on `available_on`. `releases` counts how often it did: a refund that failed
    afterwards gives money back, which is released again."""

    charge = models.OneToOneField("payments.Charge", on_delete=models.PROTECT, primary_key=True, related_name="funds")
    merchant_id = models.UUIDField()
    livemode = models.BooleanField()
    balance_transaction = link("payments.BalanceTransaction", constraint=False)
    currency = models.CharField(max_length=3)
    available_on = models.DateField()
    amount = models.BigIntegerField()
    remaining = models.BigIntegerField()
    releases = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "payments_funds"
        verbose_name_plural = "funds"
        indexes = [
            models.Index(
                fields=["merchant_id", "livemode", "currency", "available_on", "charge"],
                name="payments_funds_pending",
                condition=Q(remaining__gt=0),
            ),
            models.Index(fields=["available_on", "charge"], name="payments_funds_due", condition=Q(remaining__gt=0)),
        ]

    def __str__(self) -> str:
        return f"funds of {self.charge_id}"


class Receipt(models.Model):
    """A receipt that was mailed, or is being mailed: one a charge."""

    charge_id = models.UUIDField(primary_key=True)
    email = models.TextField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_receipt"

    def __str__(self) -> str:
        return f"receipt of {self.charge_id}"
