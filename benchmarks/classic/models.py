"""The tables. Amounts are minor units; ids are text, as the API writes them, and grow with time."""

from functools import partial

import uuid_utils
from django.db import models
from django.utils import timezone


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def _id(prefix: str) -> models.CharField:
    return models.CharField(primary_key=True, max_length=40, default=partial(new_id, prefix), editable=False)


class Merchant(models.Model):
    id = _id("acct")
    name = models.TextField()
    default_currency = models.CharField(max_length=3, default="eur")
    fee_basis_points = models.IntegerField(default=150)
    fee_fixed = models.BigIntegerField(default=25)
    availability_days = models.IntegerField(default=2)
    created = models.DateTimeField(default=timezone.now)


class ApiKey(models.Model):
    id = _id("key")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    sha256 = models.CharField(max_length=64, unique=True)
    livemode = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True)


class Owned(models.Model):
    """What every object of a merchant has."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    livemode = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True


class Customer(Owned):
    id = _id("cus")
    name = models.TextField(null=True)
    email = models.TextField(null=True)
    metadata = models.JSONField(default=dict)


class PaymentMethod(Owned):
    id = _id("pm")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True)
    token = models.CharField(max_length=200)
    card = models.JSONField(null=True)
    billing_details = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)


class PaymentIntent(Owned):
    id = _id("pi")
    status = models.CharField(max_length=24)
    amount = models.BigIntegerField()
    amount_capturable = models.BigIntegerField(default=0)
    amount_received = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    capture_method = models.CharField(max_length=16, default="automatic")
    confirmation_method = models.CharField(max_length=10, default="automatic")
    client_secret = models.CharField(max_length=100)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True)
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, null=True)
    latest_charge = models.ForeignKey("Charge", on_delete=models.PROTECT, null=True, related_name="+")
    description = models.TextField(null=True)
    statement_descriptor = models.CharField(max_length=22, null=True)
    receipt_email = models.TextField(null=True)
    metadata = models.JSONField(default=dict)
    payment_method_options = models.JSONField(default=dict)
    transfer_group = models.TextField(null=True)
    return_url = models.TextField(null=True)
    last_payment_error = models.JSONField(null=True)
    canceled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["merchant", "livemode", "-id"], name="intent_of_merchant")]


class Attempt(Owned):
    """What was asked of the gateway; its id is the reference there."""

    id = _id("att")
    intent = models.ForeignKey(PaymentIntent, on_delete=models.PROTECT, related_name="attempts")
    state = models.CharField(max_length=10, default="started")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    code = models.CharField(max_length=60, null=True)
    network_reference = models.CharField(max_length=100, null=True)
    ended_at = models.DateTimeField(null=True)


class BalanceTransaction(Owned):
    id = _id("txn")
    type = models.CharField(max_length=10)
    amount = models.BigIntegerField()
    fee = models.BigIntegerField(default=0)
    net = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    available_on = models.DateField()
    source = models.CharField(max_length=40, db_index=True)
    entry = models.ForeignKey("Entry", on_delete=models.PROTECT)
    description = models.TextField(null=True)


class Charge(Owned):
    id = _id("ch")
    intent = models.ForeignKey(PaymentIntent, on_delete=models.PROTECT, related_name="charges")
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT)
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, null=True)
    balance_transaction = models.ForeignKey(BalanceTransaction, on_delete=models.PROTECT, null=True)
    status = models.CharField(max_length=10)
    amount = models.BigIntegerField()
    amount_captured = models.BigIntegerField(default=0)
    amount_refunded = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    captured = models.BooleanField(default=False)
    failure_code = models.CharField(max_length=60, null=True)
    card = models.JSONField(null=True)
    billing_details = models.JSONField(default=dict)
    description = models.TextField(null=True)
    network_reference = models.CharField(max_length=100, null=True)
    metadata = models.JSONField(default=dict)


class Funds(models.Model):
    """What a payment still has in its merchant's pending balance."""

    charge = models.OneToOneField(Charge, on_delete=models.PROTECT, primary_key=True)
    available_on = models.DateField(db_index=True)
    amount = models.BigIntegerField()
    remaining = models.BigIntegerField()


class Transfer(Owned):
    id = _id("tr")
    destination = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="received")
    balance_transaction = models.ForeignKey(BalanceTransaction, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.TextField(null=True)
    metadata = models.JSONField(default=dict)


class Account(models.Model):
    """One balance; a merchant's may not fall below zero. Positive: on its normal side."""

    code = models.CharField(max_length=120, unique=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, null=True)
    name = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    livemode = models.BooleanField(default=False)
    is_debit = models.BooleanField()
    balance = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(merchant=None) | models.Q(balance__gte=0), name="account_not_overdrawn"),
        ]


class Entry(models.Model):
    """A balanced journal entry."""

    id = _id("le")
    kind = models.CharField(max_length=40)
    source = models.CharField(max_length=120)
    livemode = models.BooleanField(default=False)
    booked_on = models.DateField()
    recorded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind"], name="entry_once")]


class Posting(models.Model):
    """One line of an entry; debit positive."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()


class IdempotencyRecord(models.Model):
    """An answer kept under a merchant's key; none yet while the request runs."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    livemode = models.BooleanField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "livemode", "key"], name="idempotency_once")]


class Event(Owned):
    id = _id("evt")
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=40)
    data = models.JSONField()


class OutboxItem(models.Model):
    """An event that nobody has been told of yet."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True)
    written_at = models.DateTimeField(default=timezone.now)
