"""Webhook endpoints: where a merchant wants to be told of events."""

from datetime import timedelta
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from apps.core import ids
from apps.core.api.answers import encode
from apps.core.api.lists import keyset, page
from apps.core.api.openapi import ListOf, describe
from apps.core.api.types import merged_metadata
from apps.events import domain, selectors, services
from apps.events.api import shapes
from apps.events.models import WebhookEndpoint
from apps.idempotency.api.replays import work_once
from apps.idempotency.services import answer_once
from apps.merchants.api.views_base import FlorinView


class _Endpoints(FlorinView):
    scope = {"GET": "webhooks:read", "POST": "webhooks:write", "DELETE": "webhooks:write"}

    @property
    def mine(self) -> dict[str, Any]:
        return {"merchant_id": self.caller.merchant_id, "livemode": self.caller.livemode}


class Endpoints(_Endpoints):
    @describe("List webhook endpoints", request=shapes.ListEndpoints, response=ListOf(shapes.WebhookEndpoint), tag="Webhook endpoints")
    def get(self, request: Request) -> HttpResponse:
        params = self.params(shapes.ListEndpoints)
        at = keyset(params, prefix="we")
        found = selectors.endpoint_rows(**self.mine, condition=at.condition, params=at.params, order=at.order, fetch=at.fetch)
        return self.shown(page(found, at, request.path, domain.endpoint_object))

    @describe(
        "Create a webhook endpoint", request=shapes.CreateEndpoint, response=shapes.WebhookEndpoint, tag="Webhook endpoints", errors=(422,)
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body(shapes.CreateEndpoint)

        def work() -> tuple[int, bytes]:
            made = services.create_endpoint(
                **self.mine, url=body.url, enabled_events=body.enabled_events, description=body.description,
                metadata=body.metadata, api_version=body.api_version,
            )  # fmt: skip
            return 200, encode(_with_secret(made))

        return self.answered(answer_once(self.key(body), work))


class OneEndpoint(_Endpoints):
    @describe("Retrieve a webhook endpoint", request=shapes.Retrieve, response=shapes.WebhookEndpoint, tag="Webhook endpoints")
    def get(self, request: Request, id: str) -> HttpResponse:
        self.params(shapes.Retrieve)
        return self.shown(domain.endpoint_object(vars(selectors.endpoint(**self.mine, endpoint_id=ids.decode("we", id)))))

    @describe(
        "Update a webhook endpoint", request=shapes.UpdateEndpoint, response=shapes.WebhookEndpoint, tag="Webhook endpoints", errors=(422,)
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body, endpoint_id = self.body(shapes.UpdateEndpoint), ids.decode("we", id)

        def work() -> tuple[int, bytes]:
            changes = self._changes(body, selectors.endpoint(**self.mine, endpoint_id=endpoint_id))
            changed = services.update_endpoint(**self.mine, endpoint_id=endpoint_id, changes=changes)
            return 200, encode(domain.endpoint_object(vars(changed)))

        return self.answered(work_once(self.key(body), work))

    @describe("Delete a webhook endpoint", request=shapes.Nothing, response=shapes.DeletedWebhookEndpoint, tag="Webhook endpoints")
    def delete(self, request: Request, id: str) -> HttpResponse:
        self.params(shapes.Nothing)
        services.delete_endpoint(**self.mine, endpoint_id=ids.decode("we", id))
        return self.shown({"id": id, "object": "webhook_endpoint", "deleted": True})

    def _changes(self, body: shapes.UpdateEndpoint, endpoint: WebhookEndpoint) -> dict[str, Any]:
        changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not None and name != "expand"}
        if "metadata" in changes:
            changes["metadata"] = merged_metadata(endpoint.metadata, changes["metadata"])
        return changes


class RollSecret(_Endpoints):
    @describe(
        "Roll a webhook endpoint's secret",
        request=shapes.RollSecret,
        response=shapes.WebhookEndpoint,
        tag="Webhook endpoints",
        errors=(422,),
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body, endpoint_id = self.body(shapes.RollSecret), ids.decode("we", id)

        def work() -> tuple[int, bytes]:
            rolled = services.roll_secret(**self.mine, endpoint_id=endpoint_id, overlap=timedelta(seconds=body.expires_in))
            return 200, encode(_with_secret(rolled))

        return self.answered(answer_once(self.key(body), work))


def _with_secret(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """The object with its newest secret, which nobody can read again."""
    return domain.endpoint_object(vars(endpoint), secret=selectors.newest_secret(endpoint.id, endpoint.secret_version))
