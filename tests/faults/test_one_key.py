"""Fifty clients, one Idempotency-Key, at once: the sandbox's journal is the judge."""

import asyncio
import os
import uuid
from collections import Counter

import aiohttp
import orjson
import pytest

from tests.stack import Stack

CLIENTS = 50
ROUNDS = int(os.environ.get("ONE_KEY_ROUNDS", "200"))
BODY = {"amount": "1000", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}


async def _all_at_once(session: aiohttp.ClientSession, url: str, secret: str, bodies: list[dict[str, str]]) -> list[tuple[int, bytes]]:
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid.uuid4())}

    async def one(body: dict[str, str]) -> tuple[int, bytes]:
        async with session.post(url, data=body, headers=headers) as answer:
            return answer.status, await answer.read()

    return await asyncio.gather(*(one(body) for body in bodies))


def _begun(answers: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Without those that a busy machine turned away before anything was done."""
    return [(status, body) for status, body in answers if status != 503 or orjson.loads(body)["error"]["code"] != "overloaded"]


async def _captures(sandbox: str) -> Counter[str]:
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox}/control/journal") as answer:
        lines = [orjson.loads(line) for line in (await answer.read()).splitlines()]
    return Counter(line["reference"] for line in lines if line.get("status") == "captured" and line.get("kind") == "authorize")


@pytest.fixture
def secret(make_merchant) -> str:
    return make_merchant().secret


@pytest.mark.slow
async def test_fifty_clients_with_one_key_charge_once_every_round(stack: Stack, sandbox: str, secret: str) -> None:
    before = await _captures(sandbox)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for _ in range(ROUNDS):
            answers = _begun(await _all_at_once(session, f"{stack.base}/v1/payment_intents", secret, [BODY] * CLIENTS))
            assert {status for status, _ in answers} <= {200, 409}
            assert len({body for status, body in answers if status == 200}) == 1
    charged = await _captures(sandbox) - before
    assert (len(charged), set(charged.values())) == (ROUNDS, {1})


@pytest.mark.slow
async def test_the_same_key_for_five_different_requests_runs_one_and_refuses_the_rest(stack: Stack, sandbox: str, secret: str) -> None:
    before = await _captures(sandbox)
    bodies = [BODY | {"amount": str(1000 + n % 5)} for n in range(CLIENTS)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for _ in range(20):
            answers = _begun(await _all_at_once(session, f"{stack.base}/v1/payment_intents", secret, bodies))
            assert {status for status, _ in answers} <= {200, 409, 422}
            assert len({body for status, body in answers if status == 200}) == 1
    assert (await _captures(sandbox) - before).total() == 20
