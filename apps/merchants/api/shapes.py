"""The account object."""

from typing import Any

from apps.core import ids
from apps.core.api.types import ObjectShape, Shape
from apps.merchants.models import Merchant


class Nothing(Shape):
    """No parameters."""


class AccountSettings(ObjectShape):
    """How the account is set up."""

    require_idempotency_key: bool
    pricing_plan: str


class Account(ObjectShape):
    """The account whose key was used."""

    id: str
    object: str
    business_name: str
    legal_name: str
    country: str
    default_currency: str
    email: str
    created: int
    timezone: str
    locale: str
    livemode: bool
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
