"""`/v1/openapi.json` and the page that renders it."""

from functools import lru_cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI 3.1 description of every endpoint; it cannot change while the process lives."""
    return orjson.dumps(SchemaGenerator().get_schema(request=None, public=True), option=orjson.OPT_NON_STR_KEYS)


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The reference, drawn by scripts of our own origin only."""
    return render(request, "core/reference.html")
