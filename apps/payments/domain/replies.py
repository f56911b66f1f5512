"""What a gateway said, in our words, after its answer was checked."""

from typing import Literal

from msgspec import Struct

Kind = Literal["authorize", "capture", "void", "refund"]
Verdict = Literal[
    "captured",  # the money was taken
    "authorized",  # the money is held
    "challenged",  # the customer must act first
    "declined",  # a definitive no
    "voided",
    "refunded",
    "missing",  # the gateway knows no such reference (final only after its stated window)
    "unknown",  # no answer, or none that can be believed
]


class Card(Struct, frozen=True, kw_only=True):
    """The card as the gateway describes it; never its number."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    country: str | None
    fingerprint: str | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """`code` and `decline_code` say why not; `detail` is for our logs only."""

    verdict: Verdict
    code: str | None = None
    decline_code: str | None = None
    card: Card | None = None
    network_reference: str | None = None
    redirect_url: str | None = None
    detail: str = ""


MISSING = Reply(verdict="missing")
# The gateway's window has passed and it has no trace of our reference: nothing happened there.
NOTHING_HAPPENED = Reply(verdict="declined", code="processing_error")


def unknown(detail: str) -> Reply:
    return Reply(verdict="unknown", detail=detail)
