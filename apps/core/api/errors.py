"""Ways in which a request fails before any app has looked at it."""

from apps.core.errors import FlorinError, InvalidRequest


class InvalidInteger(InvalidRequest):
    """A number of the wrong kind or outside its range; amounts are whole minor units."""

    code = "parameter_invalid_integer"


class EmptyValue(InvalidRequest):
    """A parameter that must hold something was sent empty."""

    code = "parameter_invalid_empty"
    message = "Invalid {param}: it must not be empty."


class ParameterRepeated(InvalidRequest):
    """The same parameter was sent twice; which one was meant cannot be known."""

    code = "parameter_repeated"
    message = "Received {param} more than once."


class BodyInvalid(FlorinError):
    """The request's body or query cannot be read as what it claims to be."""

    type = "invalid_request_error"
    code = "body_invalid"
    status = 400
    message = "The request could not be read: {reason}"


class ContentTypeUnsupported(FlorinError):
    """The body is in a format or encoding that this API does not take."""

    type = "invalid_request_error"
    code = "content_type_unsupported"
    status = 400
    message = "Send the body as application/x-www-form-urlencoded or application/json, in UTF-8 and not compressed ({reason})."


class BodyTooLarge(FlorinError):
    """The body is larger than the endpoint takes; nothing of it was kept."""

    type = "invalid_request_error"
    code = "body_too_large"
    status = 413
    message = "The request body is larger than {limit} bytes."

    @property
    def headers(self) -> dict[str, str]:
        return {"Connection": "close"}


class BodyTimeout(FlorinError):
    """The body did not arrive in time."""

    type = "invalid_request_error"
    code = "body_timeout"
    status = 408
    message = "The request body did not arrive in time."

    @property
    def headers(self) -> dict[str, str]:
        return {"Connection": "close"}


class CardDataNotAccepted(FlorinError):
    """A card number or security code was sent. It was neither stored nor logged; send a token."""

    type = "invalid_request_error"
    code = "card_data_not_accepted"
    status = 422
    message = "Card numbers and security codes are not accepted anywhere in a request; send a payment method's id instead."


class RouteNotFound(FlorinError):
    """There is no such URL."""

    type = "invalid_request_error"
    code = "route_not_found"
    status = 404
    message = "Unrecognized request URL ({method}). See the reference for what exists."


class MethodNotAllowed(FlorinError):
    """The URL exists, but not for this method; Allow lists those it has."""

    type = "invalid_request_error"
    code = "method_not_allowed"
    status = 405
    message = "{method} is not possible here; allowed: {allowed}."

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": str(self.fields["allowed"])}


class UrlInvalid(FlorinError):
    """The URL is too long or holds characters that no URL of this API has."""

    type = "invalid_request_error"
    code = "url_invalid"
    status = 400
    message = "The URL cannot be used: {reason}"


class HostInvalid(FlorinError):
    """The Host header names a host that this installation does not serve."""

    type = "invalid_request_error"
    code = "host_invalid"
    status = 400
    message = "The Host header names a host that is not served here."


class ServerError(FlorinError):
    """Something unexpected failed on our side. Quote the request id to support."""

    type = "api_error"
    code = "server_error"
    status = 500
    message = "Something went wrong on our side. If it persists, send us the request id."


class Unavailable(FlorinError):
    """The database could not be reached or did not answer. Whether something was done is not known
    here: repeat the request with the same Idempotency-Key."""

    type = "api_error"
    code = "unavailable"
    status = 503
    message = "Florin cannot be reached in full right now. Repeat the request with the same Idempotency-Key."

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}
