"""What idempotency promises about its rows."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="no idempotency key is left running by a request that is long over",
        sql="SELECT merchant_id, livemode, key_begins, locked_until FROM ("
        " SELECT merchant_id, livemode, left(key, 12) AS key_begins, locked_until FROM idempotency_record WHERE state = 'running'"
        ") r WHERE locked_until < clock_timestamp() - interval '15 minutes'",
        strict_only=True,
    ),
)
