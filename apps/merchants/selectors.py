"""Questions about merchants, their keys and their prices."""

from uuid import UUID

from apps.core import db
from apps.core.db import Row
from apps.core.errors import NotFound
from apps.core.ids import encode
from apps.merchants.domain import Rate, hashed
from apps.merchants.errors import NoPrice
from apps.merchants.models import ApiKey, Merchant

# A key that may be used now, by its hash; `seconds_left` is NULL for a key that does not expire.
KEYS_BY_HASH = """
SELECT k.sha256, k.id AS key_id, k.merchant_id, k.livemode, k.scopes,
       extract(epoch FROM k.expires_at - clock_timestamp())::float8 AS seconds_left,
       coalesce((m.settings->>'require_idempotency_key')::boolean, false) AS require_idempotency_key,
       m.default_currency, (m.settings->>'limit_per_key')::int AS limit_per_key,
       (m.settings->>'limit_per_merchant')::int AS limit_per_merchant
FROM merchants_api_key k JOIN merchants_merchant m ON m.id = k.merchant_id
WHERE k.sha256 = ANY(%(hashes)s) AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
"""


def merchant(merchant_id: UUID) -> Merchant:
    """Raises: NotFound."""
    found = Merchant.objects.select_related("pricing_plan").filter(id=merchant_id).first()
    if found is None:
        raise NotFound(kind="account", id=encode("acct", merchant_id))
    return found


def keys_of(merchant_id: UUID) -> list[ApiKey]:
    """All keys of a merchant, newest first."""
    return list(ApiKey.objects.filter(merchant_id=merchant_id).order_by("-id"))


def merchant_id_by_name(name: str) -> UUID | None:
    """The oldest merchant of that name."""
    return Merchant.objects.filter(name=name).order_by("id").values_list("id", flat=True).first()


def is_usable(secret: str) -> bool:
    """Whether a request with this key would pass now."""
    return bool(db.query(KEYS_BY_HASH, {"hashes": [hashed(secret)]}))


# The plan's rate for a currency, or else for every currency.
RATE = """
SELECT r.basis_points, r.fixed_minor, p.availability_days
FROM merchants_merchant m
JOIN merchants_pricing_plan p ON p.id = m.pricing_plan_id
JOIN merchants_pricing_rate r ON r.plan_id = p.id AND r.method = %(method)s AND r.currency IN (%(currency)s, '*')
WHERE m.id = %(merchant_id)s
ORDER BY r.currency = '*'
LIMIT 1
"""


def rate_of(rows: list[Row]) -> Rate:
    """What RATE found.  Raises: NoPrice."""
    if not rows:
        raise NoPrice()
    return Rate(**rows[0])
