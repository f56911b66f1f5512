"""Base of every DRF view of the merchant API.

class Refunds(FlorinView):
    scope = {"POST": "refunds:write"}

    def post(self, request: Request) -> HttpResponse:
        body = self.body(CreateRefund)
        return self.write(flows.create_refund(self.caller, self.key(body), body))
"""

from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.api import request_ids
from apps.core.api.errors import Unavailable
from apps.core.api.openapi import DescribedSchema
from apps.core.errors import FlorinError
from apps.core.flow import Flow
from apps.idempotency.api import replays
from apps.idempotency.domain import Answer
from apps.merchants.api import gate, limits
from apps.merchants.api.exchange import Exchange, HandedOver, handed_over, refuse_url

log = structlog.get_logger(__name__)


class JsonAlways(BaseContentNegotiation):
    """Every answer is JSON, whatever the client says it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), "application/json"


class FlorinView(Exchange, APIView):  # type: ignore[misc]  # `request` is Django's here, not DRF's wrapper
    """Authenticates, limits, checks the scope, and turns errors into Stripe's shape. DRF's own
    authentication, permissions, throttles and parsers are not used."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = ()
    content_negotiation_class = JsonAlways
    schema = DescribedSchema()
    # What carries a write's flow out instead: `as_view(drive=…)` rehearses it.
    drive: Callable[[Flow[Answer]], Answer] | None = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        wrapped = super().initialize_request(request, *args, **kwargs)
        self.plain = request
        return wrapped

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        plain = self.request = self.plain
        refuse_url(plain)
        if plain.method == "OPTIONS":
            return
        if plain.method not in self.allowed():
            raise self.wrong_method()
        self.caller, self.rate_headers = handed_over(plain) or self._let_in(plain)
        gate.require(self.caller, self.scope.get("GET" if plain.method == "HEAD" else plain.method))

    def _let_in(self, plain: HttpRequest) -> HandedOver:
        caller = gate.authenticate(plain.META, request_ids.of(plain))
        return HandedOver(caller, limits.take(caller))

    def write(self, flow: Flow[Answer]) -> HttpResponse:
        """Runs a write flow; its answer is the response."""
        return self.answered(replays.once(self.asked, flow) if self.drive is None else self.drive(flow))

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # DRF takes any HttpResponse
        if isinstance(exc, FlorinError):
            return self.refused(exc)
        if isinstance(exc, OperationalError | InterfaceError):
            log.warning("database.unavailable", error=type(exc.__cause__ or exc).__name__)
            return self.refused(Unavailable())
        raise exc

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise self.wrong_method()
