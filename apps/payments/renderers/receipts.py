"""The receipt that a customer gets by mail."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from babel.dates import format_date
from django.template.loader import render_to_string

from apps.core.money import format_money


@dataclass(frozen=True, kw_only=True)
class Letter:
    subject: str
    text: str
    html: str


def receipt(charge: dict[str, Any], *, merchant: str, email: str, locale: str) -> Letter:
    """For a captured charge as the API shows it. `merchant` and `email` are who sold, and where to ask."""
    merchant = " ".join(merchant.split())
    words = {
        "merchant": merchant,
        "email": email,
        "amount": format_money(charge["amount_captured"], charge["currency"], locale),
        "date": format_date(datetime.fromtimestamp(charge["created"], UTC).date(), "long", locale),
        "card": _card(charge["payment_method_details"]),
        "reference": charge["id"],
        "description": charge["description"],
    }
    lines = [("Date", words["date"]), ("Payment method", words["card"]), ("Reference", words["reference"])]
    if charge["description"]:
        lines.append(("Description", charge["description"]))
    return Letter(
        subject=f"Your receipt from {merchant}",
        text=render_to_string("payments/receipt.txt", words),
        html=render_to_string("payments/receipt.html", {**words, "lines": lines}),
    )


def _card(details: dict[str, Any] | None) -> str:
    return f"{details['card']['brand'].title()} •••• {details['card']['last4']}" if details else "Card"
