"""Unknown keys are limited by the address they come from; good ones are not."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from django.conf import settings
from django.test import Client

from apps.core import ids
from apps.merchants.api import failures, gate, limits
from config.asgi import lean
from tests.merchants.asgi import Reply, ask
from tests.stack import Stack

BALANCE = "/v1/balance"
LIMIT = 4
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def strict(database, monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "FAILURES_PER_ADDRESS", LIMIT)
    forget()
    yield
    forget()


def forget() -> None:
    """As another process that has seen nothing yet."""
    for module in (gate, limits, failures):
        module.forget()


def somewhere() -> str:
    """An address of its own."""
    return f"10.{'.'.join(str(part) for part in ids.new_id().bytes[-3:])}"


def unknown() -> dict[str, str]:
    return {"Authorization": f"Bearer sk_test_{ids.new_id().hex}"}


async def hot(address: str, headers: dict[str, str] | None = None) -> Reply:
    return await ask(lean, "GET", BALANCE, headers=headers or unknown(), address=address)


def classic(address: str, headers: dict[str, str] | None = None) -> Reply:
    response = Client().get(BALANCE, headers=headers or unknown(), REMOTE_ADDR=address)
    return Reply(response.status_code, {name.lower(): value for name, value in response.items()}, response.content)


async def way(path: str, address: str, headers: dict[str, str] | None = None) -> Reply:
    return await hot(address, headers) if path == "hot" else await asyncio.to_thread(classic, address, headers)


@pytest.mark.parametrize("path", ["hot", "classic"])
async def test_an_address_with_too_many_unknown_keys_is_told_when_to_come_again(path: str) -> None:
    address = somewhere()
    replies = [await way(path, address) for _ in range(LIMIT + 2)]
    assert [reply.status for reply in replies] == [401] * LIMIT + [429] * 2
    assert replies[-1].error["code"] == "authentication_limit"
    assert 1 <= int(replies[-1].headers["retry-after"]) <= failures.WINDOW_S
    assert (await way(path, somewhere())).status == 401


async def test_both_paths_and_all_processes_count_together() -> None:
    address = somewhere()
    for number in range(LIMIT):
        assert (await way("hot" if number % 2 else "classic", address)).status == 401
        forget()
    assert (await hot(address)).status == 429
    forget()
    assert (await asyncio.to_thread(classic, address)).status == 429


@pytest.mark.parametrize("path", ["hot", "classic"])
async def test_a_key_in_use_goes_on_working_from_there_and_a_guess_is_not_looked_up(path: str, make_merchant, monkeypatch) -> None:
    address, shop = somewhere(), await asyncio.to_thread(make_merchant)
    assert (await way(path, address, shop.auth)).status == 200
    for _ in range(LIMIT + 1):
        await way(path, address)
    monkeypatch.setattr(gate, "KNOWN_S", 0.0)
    assert [(await way(path, address, shop.auth)).status for _ in range(3)] == [200] * 3
    monkeypatch.setattr(gate.flows, "look_up_keys", None)
    assert (await way(path, address)).status == 429


async def test_the_addresses_of_one_ipv6_network_are_one_and_no_address_is_none() -> None:
    net = f"2001:db8:{ids.new_id().hex[-4:]}:7"
    statuses = [(await hot(f"{net}::{number:x}")).status for number in range(LIMIT + 1)]
    assert statuses == [401] * LIMIT + [429]
    assert (await hot("2001:db8::1")).status == 401
    assert {(await hot("")).status for _ in range(LIMIT + 2)} == {401}


@pytest.mark.parametrize("path", ["hot", "classic"])
async def test_without_redis_each_process_counts_for_itself(path: str, monkeypatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", NOWHERE)
    monkeypatch.setattr(limits, "_async_clients", {})
    address = somewhere()
    statuses = [(await way(path, address)).status for _ in range(LIMIT)]
    assert statuses == [401] * (LIMIT // limits.LOCAL_PART) + [429] * (LIMIT - LIMIT // limits.LOCAL_PART)


async def test_the_minute_passes(monkeypatch) -> None:
    monkeypatch.setattr(failures, "WINDOW_S", 1)
    address = somewhere()
    assert [(await hot(address)).status for _ in range(LIMIT + 1)][-1] == 429
    await asyncio.sleep(1.1)
    assert (await hot(address)).status == 401


@pytest.mark.parametrize(("trusted", "expected"), [("127.0.0.1", 401), ("192.0.2.1", 429)])
def test_what_a_proxy_says_counts_only_where_it_is_trusted(trusted: str, expected: int, tmp_path) -> None:
    limits._sync_client(settings.REDIS_URL).delete("rl:failed:127.0.0.1")
    extra = {"FAILURES_PER_ADDRESS": str(LIMIT), "FORWARDED_ALLOW_IPS": trusted, "WEB_CONCURRENCY": "1"}
    stack = Stack(tmp_path, extra=extra).start("web")
    try:
        with httpx.Client(base_url=stack.base, timeout=20) as web:
            for url in (BALANCE, "/v1/customers"):
                last = [web.get(url, headers=unknown() | {"X-Forwarded-For": somewhere()}).status_code for _ in range(LIMIT + 1)][-1]
                assert last == expected
    finally:
        stack.stop()
        limits._sync_client(settings.REDIS_URL).delete("rl:failed:127.0.0.1")
