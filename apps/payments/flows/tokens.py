"""What a card token stands for: the gateway knows."""

import msgspec

from apps.core.flow import Flow, Http
from apps.core.http import HttpFailed
from apps.payments import gateways
from apps.payments.domain.replies import Card
from apps.payments.errors import GatewayUnavailable, ReferenceMissing


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
