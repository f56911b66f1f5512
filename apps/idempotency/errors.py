"""Ways in which an idempotency key stops a request."""

from apps.core.errors import FlorinError


class IdempotencyKeyInvalid(FlorinError):
    """The key is empty, longer than 255 characters, not printable ASCII, or was sent twice."""

    type = "idempotency_error"
    code = "idempotency_key_invalid"
    status = 400
    message = "Invalid Idempotency-Key: {reason}"


class IdempotencyKeyRequired(FlorinError):
    """The account's settings ask for a key on every write."""

    type = "idempotency_error"
    code = "idempotency_key_required"
    status = 400
    message = "This account requires an Idempotency-Key on every request that changes something."


class IdempotencyKeyReused(FlorinError):
    """The key was used before with another method, path or body; nothing was done."""

    type = "idempotency_error"
    code = "idempotency_key_reused"
    status = 422
    message = "This Idempotency-Key was already used with another request. Nothing was done; use a new key."


class IdempotencyKeyInUse(FlorinError):
    """The first request with this key is still running; ask again with the same key."""

    type = "idempotency_error"
    code = "idempotency_key_in_use"
    status = 409
    message = "The first request with this Idempotency-Key is still being worked on. Try again with the same key."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}
