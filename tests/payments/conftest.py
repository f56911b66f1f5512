"""Shops, and the sandbox's journal as the judge of what was charged."""

import urllib.request
from collections.abc import Callable, Iterator

import orjson
import pytest
from django.conf import settings

from apps.core.caching import cache
from tests.mailbox import mailbox  # noqa: F401  (a fixture)
from tests.payments.shop import Shop


@pytest.fixture
def shop(make_merchant, sandbox: str) -> Shop:
    return Shop(make_merchant())


@pytest.fixture
def new_shop(make_merchant, sandbox: str) -> Callable[[], Shop]:
    return lambda: Shop(make_merchant())


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No price list is remembered from another test."""
    cache.forget()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway is given up after a quarter of a second."""
    monkeypatch.setattr(settings, "GATEWAY_DEADLINE_S", 0.25)


def control(base: str, path: str, document: object) -> None:
    request = urllib.request.Request(f"{base}/control/{path}", orjson.dumps(document), {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=10):
        pass


@pytest.fixture
def faults(sandbox: str) -> Iterator[Callable[..., None]]:
    """Sets how the gateway misbehaves, until the end of the test."""
    yield lambda **settings_: control(sandbox, "faults", settings_)
    control(sandbox, "faults", {})


def journal(base: str) -> list[dict]:
    with urllib.request.urlopen(f"{base}/control/journal", timeout=10) as answer:
        return [orjson.loads(line) for line in answer.read().splitlines()]


@pytest.fixture
def effects(sandbox: str) -> Callable[[str], list[tuple[str, str]]]:
    """(kind, status) of everything that the gateway did under a reference."""
    return lambda reference: [(line["kind"], line["status"]) for line in journal(sandbox) if line.get("reference") == reference]
