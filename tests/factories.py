"""What tests are made of: merchants with keys."""

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from apps.core import ids
from apps.merchants import services

_serial = count(1)


@dataclass(frozen=True)
class MadeMerchant:
    """A merchant with a test key and a live key."""

    id: UUID
    secret: str
    live_secret: str
    key_id: UUID

    @property
    def account(self) -> str:
        """Its id in the API."""
        return ids.encode("acct", self.id)

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def new_merchant(**details: Any) -> MadeMerchant:
    number = next(_serial)
    defaults: dict[str, Any] = {
        "name": f"Shop {number}",
        "legal_name": f"Shop Number {number} B.V.",
        "email": f"books{number}@shop.example",
        "country": "NL",
        "default_currency": "eur",
        "address": {"line1": f"Main Street {number}", "postal_code": "1011 AB", "city": "Amsterdam"},
    }
    merchant = services.create_merchant(**(defaults | details))
    key_id, secret = services.issue_key(merchant_id=merchant.id, livemode=False)
    _, live_secret = services.issue_key(merchant_id=merchant.id, livemode=True)
    return MadeMerchant(merchant.id, secret, live_secret, key_id)


@pytest.fixture(scope="session")
def make_merchant(database: str):
    """Call it for a merchant of your own."""
    return new_merchant
