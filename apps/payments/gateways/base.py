"""What every gateway adapter can do. Adapters do no I/O."""

from typing import Protocol

from msgspec import Struct

from apps.core.http import HttpReply, HttpRequest
from apps.payments.domain.replies import Card, Kind, Reply


class Asked(Struct, frozen=True, kw_only=True):
    """One request to a gateway, complete enough to be repeated word for word. `reference` is ours and
    makes a repetition harmless; `authorization` is the reference that a follow-up builds on."""

    kind: Kind
    reference: str
    amount: int
    currency: str
    capture: bool = False
    token: str = ""
    authorization: str = ""
    merchant_reference: str = ""
    return_url: str | None = None


class Gateway(Protocol):
    name: str
    # How long after our last byte a "no such reference" may still turn into a result, in seconds.
    missing_window_s: int

    def request(self, asked: Asked) -> HttpRequest:
        """The call that carries `asked` out."""

    def look(self, asked: Asked) -> HttpRequest:
        """The call that tells what became of `asked`."""

    def read(self, reply: HttpReply, asked: Asked) -> Reply:
        """The answer to either call. Whatever is not certainly the answer to `asked` is unknown."""

    def describe(self) -> HttpRequest:
        """The call that tells which tokens there are."""

    def card_of(self, reply: HttpReply, token: str) -> Card | None:
        """The card behind `token` in the answer to `describe`; None for one that nobody issued."""

    def token_for(self, name: str) -> str:
        """The gateway's own name for a card token (`tok_…`)."""
