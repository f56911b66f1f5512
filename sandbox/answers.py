"""What the caller is told of an operation."""

from urllib.parse import quote

from msgspec import UNSET, Raw, UnsetType

from sandbox import tokens
from sandbox.engine import Operation
from sandbox.shapes import Answer


def answer(operation: Operation, base_url: str) -> Answer:
    """The operation as it now stands. `base_url` is this server's, for the page of a payment that awaits its customer."""
    entry = operation.entry
    return Answer(
        reference=str(entry.reference),
        kind=entry.kind,
        status=operation.status,
        amount=entry.amount or 0,
        currency=entry.currency or "",
        authorization=entry.authorization or UNSET,
        code=operation.code or UNSET,
        decline_code=operation.decline_code or UNSET,
        network_reference=str(entry.network_reference),
        card=_card(operation),
        redirect_url=_redirect_url(operation, base_url),
    )


def _card(operation: Operation) -> Raw | UnsetType:
    if operation.entry.kind != "authorize":
        return UNSET
    return tokens.CARDS.get(operation.entry.payment_method or "", tokens.CARDS[""])


def _redirect_url(operation: Operation, base_url: str) -> str | UnsetType:
    """Where to send the customer. A caller that gave no `return_url` may still add one as a query parameter."""
    if operation.status != "requires_action":
        return UNSET
    page = f"{base_url}/authenticate/{operation.entry.reference}"
    back = operation.entry.return_url
    return f"{page}?return_url={quote(back, safe='')}" if back else page
