"""The bodies of events and stored answers: what the product's renderers write, as templates for SQL's
`format()`, so that the database fills them in."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.core.documents import encode as encoded
from apps.core.ids import encode
from apps.payments.domain.replies import Card
from apps.payments.domain.rows import Charge, Intent
from apps.payments.renderers import objects

CARD: dict[str, Any] = {
    "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "funding": "credit", "country": "US", "fingerprint": "visa4242"
}  # fmt: skip
_AT = datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
_ID = {name: UUID(int=number) for number, name in enumerate(("intent", "charge", "method", "transaction", "attempt", "merchant"), 1)}
_AMOUNT, _CURRENCY, _ORDER = 777_001_777, "xts", "order-of-nobody"
# What stands in the rendered text for each argument of format(): pi, ch, pm, txn, amount, currency, created, order.
_MARKS = (
    encode("pi", _ID["intent"]), encode("ch", _ID["charge"]), encode("pm", _ID["method"]), encode("txn", _ID["transaction"]),
    str(_AMOUNT), _CURRENCY, str(int(_AT.timestamp())), _ORDER,
)  # fmt: skip


def templates() -> dict[str, str]:
    """`created`, `charge` and `succeeded`: %1$s to %8$s stand for the arguments above."""
    owner = {"merchant_id": _ID["merchant"], "livemode": False, "created": _AT, "version": 1}
    automatic = {"capture_method": "automatic", "confirmation_method": "automatic", "payment_method_options": {}, "amount_capturable": 0}
    money = {"amount": _AMOUNT, "currency": _CURRENCY, "payment_method_id": _ID["method"], "metadata": {"order": _ORDER}}
    secret = f"{encode('pi', _ID['intent'])}_secret_"
    created = Intent(
        id=_ID["intent"], status="requires_confirmation", client_secret=secret, amount_received=0, **automatic, **owner, **money
    )
    paid = {"status": "succeeded", "amount_received": _AMOUNT, "latest_charge_id": _ID["charge"]}
    succeeded = Intent(id=_ID["intent"], client_secret=secret, **paid, **automatic, **owner, **money)
    charge = Charge(
        id=_ID["charge"], intent_id=_ID["intent"], attempt_id=_ID["attempt"], balance_transaction_id=_ID["transaction"],
        status="succeeded", amount_captured=_AMOUNT, amount_refunded=0, amount_refund_pending=0, captured=True,
        billing_details={}, card=Card(**CARD), network_reference=_ORDER, **owner, **money,
    )  # fmt: skip
    rendered = {
        "created": objects.payment_intent(created),
        "charge": objects.render_charge(charge),
        "succeeded": objects.payment_intent(succeeded),
    }
    return {name: _template(document) for name, document in rendered.items()}


def _template(document: Any) -> str:
    text = encoded(document).decode().replace("%", "%%")
    for number, mark in enumerate(_MARKS, 1):
        text = text.replace(mark, f"%{number}$s")
    return text
