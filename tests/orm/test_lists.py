"""No list does more work the more rows it shows, none counts, none reads a table to offer a filter.

Every list there is: DRF's by walking the URLs, the back office's by walking its registry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.payments.domain.expansion import ALLOWED
from apps.payments.selectors import KINDS
from tests.orm.town import Town

FEW, MANY = 2, 12
# Tables of a few dozen rows, filled by hand, in the frameworks' own pages.
SMALL = {"auth", "django_celery_beat"}
# One row for each of the few endpoints that can be switched.
SETTINGS = {"cutover.Switch", "cutover.ShadowRate"}


@dataclass(frozen=True)
class Work:
    """What one page took: `rows` it showed, None for a page of one thing."""

    rows: int | None
    queries: tuple[str, ...]


def routes(patterns: list, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every route below /v1/ that a DRF view answers to GET, and its view."""
    for pattern in patterns:
        path = f"{before}/{pattern.pattern}".replace("//", "/")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and hasattr(view := getattr(pattern.callback, "view_class", None), "get"):
            yield path, view


ROUTES = {path: view for path, view in routes(get_resolver("config.urls").url_patterns) if path.startswith("/v1/")}
MODELS = {model._meta.label: model for model in admin.site._registry}


def get(town: Town, path: str, **params: Any) -> tuple[Work, Any]:
    """The work of the second of two requests: what is remembered between requests is remembered by then. What the
    gate asks about the key is left out: it is asked now and then."""
    town.api.get(path, params)
    with CaptureQueriesContext(connection) as queries:
        answer = town.api.get(path, params)
    assert answer.status_code == 200, (path, params, answer.content)
    shown = answer.json() if answer["Content-Type"] == "application/json" else {}
    asked = tuple(query["sql"] for query in queries if "merchants_api_key" not in query["sql"])
    return Work(len(shown["data"]) if shown.get("object") == "list" else None, asked), shown


def url_of(town: Town, route: str) -> tuple[str, dict[str, str]]:
    """A route's path for the oldest object of the list that it belongs to, and what it must be asked with."""
    if "<" in route:
        parent = route.partition("/<")[0]
        path, params = url_of(town, parent)
        oldest = get(town, path, **params, limit=50)[1]["data"][-1]["id"]
        route = route.replace("<str:id>", oldest)
    return route, {"customer": town.customer["id"]} if route == "/v1/payment_methods" else {}


def api_work(town: Town, route: str, view: Any) -> Work:
    """With everything expanded that can be."""
    path, params = url_of(town, route)
    is_list = get(town, path, **params)[0].rows is not None
    expandable = ALLOWED.get(KINDS.get(getattr(view, "model", None), ""), ())
    params |= {"limit": "50"} if is_list else {}
    return get(town, path, **params, **{"expand[]": [f"data.{name}" if is_list else name for name in expandable]})[0]


def page_work(staff: Client, model: type[Model], page: str, *args: object) -> Work:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)
    staff.get(url)
    with CaptureQueriesContext(connection) as queries:
        answer = staff.get(url)
    assert answer.status_code in (200, 302), (url, answer.status_code)
    rows = len(answer.context["cl"].result_list) if page == "changelist" and model._meta.label not in SETTINGS else None
    return Work(rows, tuple(query["sql"] for query in queries))


def all_work(town: Town, staff: Client) -> dict[str, Work]:
    found = {f"GET {route}": api_work(town, route, view) for route, view in ROUTES.items()}
    for label, model in MODELS.items():
        found[f"list {label}"] = page_work(staff, model, "changelist")
        oldest = model._default_manager.order_by("pk").first()
        assert oldest is not None, f"{label} has no rows: fill it in tests/orm/town.py"
        found[f"page {label}"] = page_work(staff, model, "change", oldest.pk)
    return found


@pytest.fixture(scope="module")
def work(town: Town, staff: Client) -> dict[str, tuple[Work, Work]]:
    """Page → its work when there was little to show, and when there was much."""
    town.grow(FEW)
    few = all_work(town, staff)
    town.grow(MANY - FEW)
    many = all_work(town, staff)
    return {name: (few[name], many[name]) for name in few}


NAMES = [*(f"GET {route}" for route in ROUTES), *(f"{page} {label}" for label in MODELS for page in ("list", "page"))]


BIG = [label for label in MODELS if label.partition(".")[0] not in SMALL and label not in SETTINGS]


@pytest.mark.parametrize("name", NAMES)
def test_more_rows_make_no_more_queries(work, name: str) -> None:
    few, many = work[name]
    assert len(many.queries) == len(few.queries), "\n".join(many.queries)
    if few.rows is not None:
        assert few.rows >= FEW
        assert many.rows >= MANY, f"{name} did not grow: fill it in tests/orm/town.py"


@pytest.mark.parametrize("label", BIG)
def test_a_list_of_the_back_office_neither_counts_nor_reads_a_table_for_its_filters(work, label: str) -> None:
    _, many = work[f"list {label}"]
    assert [sql for sql in many.queries if "COUNT(" in sql or "DISTINCT" in sql] == []


@pytest.mark.parametrize("label", BIG)
def test_a_list_of_the_back_office_pages_without_counting(label: str) -> None:
    page = admin.site._registry[MODELS[label]]
    assert not page.show_full_result_count
    assert page.paginator.__name__ == "InfinitePaginator"
