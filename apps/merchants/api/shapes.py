"""The account object."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from apps.core import ids
from apps.core.api.types import ObjectShape, Shape
from apps.merchants.models import Merchant


class Nothing(Shape):
    """No parameters."""


class AccountSettings(ObjectShape):
    """How the account is set up."""

    require_idempotency_key: Annotated[bool, Meta(description="Whether every write must carry an Idempotency-Key.")]
    pricing_plan: Annotated[str, Meta(description="The name of the price list.", examples=["Standard"])]


class Account(ObjectShape):
    """The account whose key was used."""

    id: Annotated[str, Meta(examples=["acct_01m7y0n5v2e1xv8q4z3c6t9k7d"])]
    object: Literal["account"]
    business_name: Annotated[str, Meta(description="What customers know it by.", examples=["Corner Shop"])]
    legal_name: Annotated[str, Meta(description="Whose statements these are.", examples=["Corner Shop B.V."])]
    country: Annotated[str, Meta(description="ISO 3166 code.", examples=["NL"])]
    default_currency: Annotated[str, Meta(description="ISO 4217 code, lower case.", examples=["eur"])]
    email: Annotated[str, Meta(description="Where statements and notices are sent.", examples=["books@shop.example"])]
    created: Annotated[int, Meta(description="Unix time in seconds.", examples=[1793491200])]
    timezone: Annotated[str, Meta(description="IANA time zone.", examples=["Europe/Amsterdam"])]
    locale: Annotated[str, Meta(description="How statements write numbers and dates.", examples=["nl"])]
    livemode: Annotated[bool, Meta(description="Whether a live key was used.")]
    settings: AccountSettings


def render_account(merchant: Merchant, *, livemode: bool) -> dict[str, Any]:
    """The account as the API shows it."""
    return {
        "id": ids.encode("acct", merchant.id),
        "object": "account",
        "business_name": merchant.name,
        "legal_name": merchant.legal_name,
        "country": merchant.country,
        "default_currency": merchant.default_currency,
        "email": merchant.email,
        "created": int(merchant.created.timestamp()),
        "timezone": merchant.time_zone,
        "locale": merchant.locale,
        "livemode": livemode,
        "settings": {
            "require_idempotency_key": bool(merchant.settings.get("require_idempotency_key", False)),
            "pricing_plan": merchant.pricing_plan.name,
        },
    }
