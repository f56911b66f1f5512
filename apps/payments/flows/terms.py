"""When it is and what the merchant pays, for whatever is about to be recorded."""

from uuid import UUID

import structlog

from apps.core import clock
from apps.core.flow import Flow
from apps.core.ids import new_id
from apps.merchants.domain import Rate
from apps.merchants.errors import NoPrice
from apps.merchants.flows import pricing
from apps.payments.domain.intents import Terms

log = structlog.get_logger(__name__)

# A begin or record is repeated when the rows changed under it; nobody changes one payment this often at once.
TRIES = 8


def terms(merchant_id: UUID, currency: str) -> Flow[Terms]:
    """Today's terms. A price that was taken away since the payment was begun does not keep money that
    the gateway took out of the books: then it is free."""
    try:
        rate = yield from pricing(merchant_id, currency)
    except NoPrice:
        log.error("pricing.missing", merchant_id=str(merchant_id), currency=currency)
        rate = Rate(basis_points=0, fixed_minor=0, availability_days=0)
    return Terms(
        now=clock.now(),
        today=clock.today(),
        basis_points=rate.basis_points,
        fixed_minor=rate.fixed_minor,
        availability_days=rate.availability_days,
        transaction_id=new_id(),
        entry_id=new_id(),
    )
