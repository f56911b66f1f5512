"""Base of every hot view that has a DRF twin: sends a request the way its switch says, and looks at
what came of it.

class Refunds(SwitchedView):
    scope = {"POST": "refunds:write"}
    endpoint = {"POST": "refunds.create"}
"""

from collections.abc import Awaitable, Mapping
from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from apps.core.api.errors import Unavailable
from apps.core.errors import FlorinError
from apps.cutover.api import classic, shadowing
from apps.cutover.api.watch import LANES, Lane
from apps.cutover.domain import ENDPOINTS
from apps.merchants.api.exchange import HandedOver
from apps.merchants.api.hot_base import HotView


class SwitchedView(HotView):
    """`endpoint`: the name that each method is switched by. `name` is this request's, from the moment at
    which the hot path has begun to answer it."""

    endpoint: Mapping[str, str] = {}
    lanes: Mapping[str, Lane] = {}
    lane: Lane | None = None

    def __init_subclass__(cls) -> None:
        unknown = set(cls.endpoint.values()).difference(ENDPOINTS)
        if unknown:
            raise TypeError(f"{cls.__name__} names {unknown.pop()!r}, which apps/cutover/domain does not")
        cls.lanes = {method: LANES[name] for method, name in cls.endpoint.items()}

    @property
    def name(self) -> str | None:
        return None if self.lane is None else self.lane.endpoint

    def admitted(self, method: str, **kwargs: Any) -> Awaitable[HttpResponse]:
        # Every request comes through here, so this costs one look-up where nothing is switched.
        lane = self.lanes.get(method)
        if lane is None:
            return super().admitted(method, **kwargs)
        if not lane.is_hot and not lane.plan.is_hot(self.caller.merchant_id, self._token()):
            return self._classic(lane)
        self.lane = lane
        return super().admitted(method, **kwargs)

    # A request is counted when it ends, with what came of it: told apart, failures that took long to fail would
    # stand beside the few requests that came meanwhile.
    def failed(self) -> None:
        if self.lane is not None:
            self.lane.hot.requests += 1
            self.lane.hot.failures += 1

    def refused(self, error: FlorinError) -> HttpResponse:
        response = super().refused(error)
        if self.lane is not None:
            # Too much load and a silent gateway are no fault of this path: the twin would say the same, later.
            self.lane.hot.failures += isinstance(error, Unavailable)
            self.observed(response)
        return response

    def observed(self, response: HttpResponse) -> None:
        if self.lane is not None:
            self.lane.hot.requests += 1
            shadowing.offer(self.lane.endpoint, self.caller, self.request, response)

    async def _classic(self, lane: Lane) -> HttpResponse:
        response = await classic.answer(cast(ASGIRequest, self.request), HandedOver(self.caller, self.rate_headers))
        lane.classic.requests += 1
        lane.classic.failures += response.status_code >= 500
        return response

    def _token(self) -> str:
        """What a retry has in common with its first try."""
        key: str | None = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        return key or self.caller.request_id
