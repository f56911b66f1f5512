"""What happens to payments and transfers. The caller owns the transaction."""

import secrets
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import ValidationError

from benchmarks.classic import ledger
from benchmarks.classic.models import (
    ApiKey,
    Attempt,
    BalanceTransaction,
    Charge,
    Customer,
    Event,
    Funds,
    Merchant,
    OutboxItem,
    PaymentIntent,
    PaymentMethod,
    Transfer,
    new_id,
)
from benchmarks.classic.serializers import ChargeSerializer, PaymentIntentSerializer, TransferSerializer


def tell(type_: str, of: PaymentIntent | Charge | Transfer, data: dict[str, Any]) -> dict[str, Any]:
    """An event, and its place in the outbox. Gives `data` back."""
    event = Event.objects.create(merchant=of.merchant, livemode=of.livemode, type=type_, object_id=of.id, data=data)
    OutboxItem.objects.create(event=event)
    return data


def create_intent(key: ApiKey, given: dict[str, Any]) -> tuple[PaymentIntent, dict[str, Any]]:
    """The intent, and how it is shown.  Emits: payment_intent.created.  Raises: ValidationError."""
    owner = {"merchant": key.merchant, "livemode": key.livemode}
    fields = {name: value for name, value in given.items() if name not in ("confirm", "payment_method", "customer")}
    intent_id = new_id("pi")
    intent = PaymentIntent(
        id=intent_id, status="requires_payment_method", client_secret=f"{intent_id}_secret_{secrets.token_urlsafe(18)}", **owner, **fields
    )
    if "customer" in given:
        intent.customer = _own(Customer, owner, given["customer"], "customer")
    if "payment_method" in given:
        intent.payment_method = _method(owner, given["payment_method"])
        intent.status = "requires_confirmation"
    intent.save(force_insert=True)
    return intent, tell("payment_intent.created", intent, PaymentIntentSerializer(intent).data)


def _method(owner: dict[str, Any], name: str) -> PaymentMethod:
    """A payment method of the merchant; the gateway's test methods become a new one each time."""
    if name.startswith("pm_card_"):
        return PaymentMethod.objects.create(token=name, **owner)
    return _own(PaymentMethod, owner, name, "payment_method")


def _own(kind: type, owner: dict[str, Any], id: str, param: str) -> Any:
    try:
        return kind.objects.get(pk=id, **owner)
    except kind.DoesNotExist:
        raise ValidationError({param: "No such object."}) from None


def begin(intent: PaymentIntent) -> Attempt:
    """What is about to be asked of the gateway, so that a crash leaves a trace."""
    return Attempt.objects.create(
        merchant=intent.merchant, livemode=intent.livemode, intent=intent, amount=intent.amount, currency=intent.currency
    )


def settle(attempt: Attempt, told: dict[str, Any]) -> dict[str, Any]:
    """The gateway's answer becomes state, money and events; gives the intent as it is shown.

    Posts: capture.  Emits: charge.succeeded, payment_intent.succeeded or …failed.
    """
    related = PaymentIntent.objects.select_related("merchant", "payment_method")
    intent = related.select_for_update(of=("self",)).get(pk=attempt.intent_id)
    succeeded = told["status"] == "captured"
    attempt.state, attempt.code, attempt.ended_at = "succeeded" if succeeded else "failed", told.get("code"), timezone.now()
    attempt.network_reference = told.get("network_reference")
    attempt.save(update_fields=["state", "code", "ended_at", "network_reference"])
    intent.payment_method.card = told.get("card")
    intent.payment_method.save(update_fields=["card"])
    charge = _charge(attempt, intent, told, succeeded)
    intent.latest_charge = charge
    intent.status = "succeeded" if succeeded else "requires_payment_method"
    intent.amount_received = intent.amount if succeeded else 0
    intent.last_payment_error = None if succeeded else {"code": told.get("code") or "card_declined", "charge": charge.id}
    intent.save(update_fields=["latest_charge", "status", "amount_received", "last_payment_error"])
    ending = "succeeded" if succeeded else "failed"
    tell(f"charge.{ending}", charge, ChargeSerializer(charge).data)
    document = PaymentIntentSerializer(intent).data
    return tell("payment_intent.succeeded" if succeeded else "payment_intent.payment_failed", intent, document)


def _charge(attempt: Attempt, intent: PaymentIntent, told: dict[str, Any], succeeded: bool) -> Charge:
    charge = Charge(
        merchant=intent.merchant, livemode=intent.livemode, intent=intent, attempt=attempt, payment_method=intent.payment_method,
        status="succeeded" if succeeded else "failed", amount=attempt.amount, currency=attempt.currency, card=told.get("card"),
        failure_code=None if succeeded else told.get("code") or "card_declined", description=intent.description,
        network_reference=told.get("network_reference"), metadata=intent.metadata,
    )  # fmt: skip
    if succeeded:
        charge.captured, charge.amount_captured = True, attempt.amount
        charge.balance_transaction = ledger.capture(
            intent.merchant, charge_id=charge.id, amount=attempt.amount, currency=attempt.currency, livemode=intent.livemode
        )
    charge.save(force_insert=True)
    if succeeded:
        net = charge.balance_transaction.net
        Funds.objects.create(charge=charge, available_on=charge.balance_transaction.available_on, amount=net, remaining=net)
    return charge


def create_transfer(key: ApiKey, given: dict[str, Any]) -> dict[str, Any]:
    """The transfer as it is shown.  Posts: transfer.  Emits: transfer.created.  Raises: ValidationError."""
    payer, amount, currency = key.merchant, given["amount"], given["currency"]
    destination = Merchant.objects.filter(pk=given["destination"]).exclude(pk=payer.pk).first()
    if destination is None:
        raise ValidationError({"destination": "No such account."})
    transfer_id = new_id("tr")
    movements = [ledger.Movement("available", amount, payer), ledger.Movement("available", -amount, destination)]
    entry = ledger.post("transfer", transfer_id, movements, currency=currency, livemode=key.livemode)
    sides = [
        BalanceTransaction(
            merchant=merchant, livemode=key.livemode, type=type_, amount=signed, net=signed, currency=currency,
            available_on=entry.booked_on, source=transfer_id, entry=entry,
        )
        for merchant, type_, signed in ((payer, "transfer", -amount), (destination, "payment", amount))
    ]  # fmt: skip
    BalanceTransaction.objects.bulk_create(sides)
    transfer = Transfer.objects.create(
        id=transfer_id, merchant=payer, livemode=key.livemode, destination=destination, balance_transaction=sides[0], amount=amount,
        currency=currency, description=given.get("description"), metadata=given.get("metadata", {}),
    )  # fmt: skip
    return tell("transfer.created", transfer, TransferSerializer(transfer).data)
