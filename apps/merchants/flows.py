"""Looking keys and prices up, once for sync and async callers; writing to merchants."""

from uuid import UUID

from apps.core.caching import cache
from apps.core.db import Row
from apps.core.flow import Flow, Rows, Static
from apps.core.ids import encode
from apps.events.domain import EventView
from apps.events.gateways import mail
from apps.merchants import selectors
from apps.merchants.domain import PRICING, Rate
from apps.merchants.renderers.letters import endpoint_disabled
from apps.merchants.selectors import KEYS_BY_HASH, RATE, rate_of

_MAX_SEEN = 50_000
_seen: set[UUID] = set()


def look_up_keys(hashes: list[bytes]) -> Flow[dict[bytes, Row]]:
    """The usable keys with these hashes and what their merchants' settings say."""
    rows: list[Row] = yield Rows(KEYS_BY_HASH, {"hashes": hashes})
    return {bytes(row["sha256"]): row for row in rows}


def touch_key(key_id: UUID) -> Flow[None]:
    """`last_used_at` is at most a minute old."""
    yield Rows(
        "UPDATE merchants_api_key SET last_used_at = clock_timestamp() WHERE id = %(id)s"
        " AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute') RETURNING id",
        {"id": key_id},
    )


def pricing(merchant_id: UUID, currency: str, method: str = "card") -> Flow[Rate]:
    """What the merchant pays; at most a second old.  Raises: NoPrice."""
    key = f"{merchant_id.int:x}:{currency}:{method}"  # the text of a UUID is made in Python
    found = cache.remembered(PRICING, key)
    if found is None:
        found = yield Static(PRICING, key, RATE, {"merchant_id": merchant_id, "currency": currency, "method": method})
    return rate_of(found)


def exists(merchant_id: UUID) -> Flow[bool]:
    """Whether there is such a merchant. One that was seen is not looked for again: none is ever deleted."""
    if merchant_id in _seen:
        return True
    if not (yield Rows("SELECT 1 AS found FROM merchants_merchant WHERE id = %s", [merchant_id])):
        return False
    if len(_seen) >= _MAX_SEEN:
        _seen.clear()
    _seen.add(merchant_id)
    return True


def tell_endpoint_disabled(event: EventView) -> None:
    """The merchant has a mail that says which endpoint was disabled, why, and what to do. A repeat has
    the same Message-ID.  Raises: OSError or SMTPException while the mail server is away."""
    merchant = selectors.merchant(event.merchant_id)
    letter = endpoint_disabled(event.object, merchant=merchant.name)
    mail.send(to=merchant.email, subject=letter.subject, text=letter.text, message_id=f"endpoint-disabled.{encode('evt', event.id)}")
