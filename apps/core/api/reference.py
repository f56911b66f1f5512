"""`/v1/openapi.json` and the page that renders it."""

from functools import lru_cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from apps.core.errors import explained

# The renderer writes its styles into the page; scripts, pictures and requests are our own only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI 3.1 description of every endpoint; it cannot change while the process lives."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    return orjson.dumps(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The OpenAPI description, for whoever asks: without a key and from any page."""
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    return HttpResponse(document(), content_type="application/json", headers=headers)


@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    """Every error by code: where `doc_url` leads."""
    rows = [{**found._asdict(), "when": found.when.replace("`", "")} for found in explained()]
    response = render(request, "core/errors.html", {"rows": rows})
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The reference, drawn in the browser by scripts of our own origin."""
    response = render(request, "core/reference.html", {"description_url": reverse("openapi")})
    response["Content-Security-Policy"] = _POLICY
    return response
