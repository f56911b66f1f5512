"""Ways in which the gate turns a request away."""

from apps.core.errors import FlorinError


class AuthenticationFailed(FlorinError):
    """No key, a key that does not exist, or one that expired or was revoked: all look the same."""

    type = "authentication_error"
    code = "api_key_invalid"
    status = 401
    message = "Invalid API key. Send it as 'Authorization: Bearer sk_…'."

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="Florin"'}


class ApiKeyMissing(AuthenticationFailed):
    """The request has no Authorization header."""

    code = "api_key_missing"
    message = "You did not provide an API key. Send it as 'Authorization: Bearer sk_…'."


class ApiKeyInUrl(FlorinError):
    """A key stands in the URL, where logs keep it. Consider it leaked and roll it."""

    type = "invalid_request_error"
    code = "api_key_in_url"
    status = 400
    message = "API keys are not accepted in the URL, where logs would keep them. Roll this key and send the new one as a header."


class InsufficientScope(FlorinError):
    """The key is valid but not for this."""

    type = "invalid_request_error"
    code = "insufficient_scope"
    status = 403
    message = "This API key does not have the scope '{scope}'."


class RateLimited(FlorinError):
    """Too many requests in too short a time; Retry-After says when to go on."""

    type = "rate_limit_error"
    code = "rate_limit"
    status = 429
    message = "Too many requests. Try again in {seconds} s."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.fields["seconds"]), **self.fields.get("limits", {})}


class TooManyFailures(RateLimited):
    """Too many requests with unknown API keys came from one address; Retry-After says when the next is looked at.
    Keys that were in use go on working."""

    code = "authentication_limit"
    message = "Too many requests with unknown API keys came from your address. Try again in {seconds} s."


class NoPrice(FlorinError):
    """The account's price list has no rate for this method and currency."""

    type = "invalid_request_error"
    code = "pricing_missing"
    status = 400
    message = "This account has no price for payments of this kind; ask support to add one."
