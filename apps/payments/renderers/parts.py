"""Parts of rendered objects: references, times, and JSON columns as the API shows them.

Hot reads take columns as they come from the wire (apps.core.db.pipeline): ids as their 16 bytes, times as microseconds since
2000, JSON as its text. So each part takes either form of its column.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import orjson
from msgspec import Raw, Struct

from apps.core.documents import raw
from apps.core.ids import encode
from apps.payments.domain import declines
from apps.payments.domain.replies import Card

Json = dict[str, Any]

# From 1970 to 2000, where PostgreSQL's time begins.
_TO_2000_S = 946_684_800
# Longer texts are read each time: few are alike, and many would fill the memory.
_SHORT = 512
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_EMPTY = b"\x01{}"
_CHECKS = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None}
_NO_CHECKS = raw(_CHECKS)


def ref(prefix: str, id: UUID | bytes | None) -> str | None:
    return None if id is None else encode(prefix, id)


def seconds(moment: datetime | int | None) -> int | None:
    return None if moment is None else second(moment)


def second(moment: datetime | int) -> int:
    return moment // 1_000_000 + _TO_2000_S if type(moment) is int else int(moment.timestamp())  # type: ignore[union-attr]


def day(on: date) -> int:
    return int(datetime.combine(on, time(), UTC).timestamp())


def of_json(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What `make` shows of a JSON column that is not null, as JSON. The same short text is read once: most cards, addresses and
    metadata are like many others, most often empty."""

    def made(text: bytes) -> Raw:
        return raw(make(_read(text)))

    remembered = lru_cache(maxsize=4096)(made)

    def shown(column: Any) -> Any:
        if column is None:
            return None
        if type(column) is not bytes:
            return make(column) if column else remembered(_EMPTY)
        return remembered(column) if len(column) <= _SHORT else made(column)

    return shown


def _read(text: bytes) -> Any:
    return orjson.loads(memoryview(text)[1:])  # the first byte is the version of the format


def _address(given: Json | None) -> Json | None:
    return None if given is None else {name: given.get(name) for name in _ADDRESS}


def _shipping(given: Json | None) -> Json | None:
    if given is None:
        return None
    rest = {name: given.get(name) for name in ("carrier", "name", "phone", "tracking_number")}
    return {"address": _address(given.get("address")), **rest}


def _billing_details(given: Json) -> Json:
    rest = {name: given.get(name) for name in ("email", "name", "phone", "tax_id")}
    return {"address": _address(given.get("address") or {}), **rest}


as_it_is = of_json(lambda given: given)
address, shipping, billing_details = of_json(_address), of_json(_shipping), of_json(_billing_details)


@lru_cache(maxsize=4096)
def _card_of(text: bytes) -> Card:
    return msgspec.convert(_read(text), Card)


def card_of(column: Card | Json | bytes) -> Card:
    if isinstance(column, Card):
        return column
    return _card_of(column) if type(column) is bytes else msgspec.convert(column, Card)


class CardDetails(Struct, frozen=True, gc=False):
    """How a card paid."""

    amount_authorized: int
    brand: str
    checks: Raw
    country: str | None
    exp_month: int
    exp_year: int
    fingerprint: str | None
    funding: str
    last4: str
    network: str
    network_transaction_id: str | None
    three_d_secure: None = None
    wallet: None = None


class CardPayment(Struct, frozen=True, gc=False):
    card: CardDetails
    type: str = "card"


def card_payment(column: Card | Json | bytes | None, amount: int, reference: str | None) -> Any:
    """`payment_method_details`: `amount` was authorised, under the network's `reference`."""
    if column is None:
        return None
    card = card_of(column)
    return CardPayment(
        CardDetails(
            amount, card.brand, _NO_CHECKS, card.country, card.exp_month, card.exp_year, card.fingerprint, card.funding, card.last4,
            card.brand, reference,
        )
    )  # fmt: skip


def card(column: Card | Json | bytes | None) -> Any:
    """`card` of a payment method."""
    return None if column is None else _card(card_of(column))


@lru_cache(maxsize=4096)
def _card(card: Card) -> Raw:
    networks = {"available": [card.brand], "preferred": None}
    return raw(
        {
            "brand": card.brand,
            "checks": _CHECKS,
            "country": card.country,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "last4": card.last4,
            "display_brand": card.brand,
            "networks": networks,
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }
    )


@lru_cache(maxsize=256)
def outcome(status: str, code: str | None, decline_code: str | None) -> Any:
    """What the network and the issuer said; `code` and `decline_code` where the charge failed."""
    if status == "succeeded":
        told = {"network_status": "approved_by_network", "reason": None, "seller_message": "Payment complete.", "type": "authorized"}
    else:
        code = code or "card_declined"
        told = {
            "network_status": "declined_by_network",
            "reason": decline_code or code,
            "seller_message": declines.seller_message(code, decline_code),
            "type": "issuer_declined",
        }
    return raw({"network_decline_code": None, **told})
