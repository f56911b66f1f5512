"""What a card token stands for: the gateway knows."""

import msgspec
from msgspec import structs

from apps.core.flow import Flow, Http
from apps.core.http import HttpFailed
from apps.payments import gateways
from apps.payments.domain.replies import Card
from apps.payments.domain.rows import PaymentMethod
from apps.payments.errors import GatewayUnavailable, ReferenceMissing

TEST_METHOD = "pm_card_"
# What the gateway has told of its test methods, so that not every use of one has to ask.
_known: dict[str, Card] = {}
_MOST = 500


def remembered(name: str) -> Card | None:
    """The card of a test method, if this process has heard of it."""
    return _known.get(name)


def remember(method: PaymentMethod | None, card: Card | None) -> None:
    """The next use of the same test method knows its card from the start."""
    if method is not None and card is not None and method.token.startswith(TEST_METHOD) and len(_known) < _MOST:
        _known[method.token] = card


def with_card(method: PaymentMethod) -> Flow[PaymentMethod]:
    """A new payment method with its card, for a request that will not ask the gateway for anything else. Without an
    answer its card stays unknown until it is used.  Raises: ReferenceMissing."""
    if method.card is not None:
        return method
    try:
        _, card = yield from describe_token(method.token, gateway=method.gateway)
    except GatewayUnavailable:
        return method
    remember(method, card)
    return structs.replace(method, card=card)


def describe_token(name: str, *, gateway: str = gateways.DEFAULT) -> Flow[tuple[str, Card]]:
    """The gateway's own name for the token `name`, and its card.  Raises: ReferenceMissing, GatewayUnavailable."""
    adapter = gateways.GATEWAYS[gateway]
    token = adapter.token_for(name)
    try:
        reply = yield Http(adapter.describe())
        card = adapter.card_of(reply, token)
    except (HttpFailed, msgspec.MsgspecError):
        raise GatewayUnavailable() from None
    if card is None:
        is_token = name.startswith("tok_")
        raise ReferenceMissing(
            kind="token" if is_token else "payment_method", id=name[:64], param="card[token]" if is_token else "payment_method"
        )
    return token, card
