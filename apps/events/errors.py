"""Ways in which webhook endpoints and events refuse a request."""

from apps.core.errors import InvalidRequest


class EndpointUrlInvalid(InvalidRequest):
    """The URL is not one that Florin may call."""

    code = "url_invalid"
    message = "Invalid URL: {reason}"


class TooManyEndpoints(InvalidRequest):
    """The merchant has as many webhook endpoints in this mode as are allowed."""

    code = "webhook_endpoint_limit_reached"
    message = "You have {limit} webhook endpoints in this mode already; delete one first."


class EndpointNotListening(InvalidRequest):
    """A replay was asked for an endpoint that is disabled or deleted."""

    code = "webhook_endpoint_disabled"
    message = "Webhook endpoint '{id}' is disabled or deleted: enable it before sending events to it."
