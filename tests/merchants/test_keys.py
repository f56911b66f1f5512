"""API keys: shown once, kept as a hash, rolled, revoked, looked up."""

import asyncio
import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from msgspec import structs

from apps.core import db, ids
from apps.core.errors import InvalidRequest, NotFound
from apps.merchants import domain, selectors, services
from apps.merchants.api import gate
from apps.merchants.errors import AuthenticationFailed
from apps.merchants.models import ApiKey


def headers(secret: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


def passes(secret: str) -> bool:
    gate.forget()
    try:
        return gate.authenticate(headers(secret), "req_x") is not None
    except AuthenticationFailed:
        return False


def test_a_key_has_256_random_bits_behind_its_modes_prefix():
    secrets = {domain.new_secret(livemode=False) for _ in range(1_000)}
    assert len(secrets) == 1_000
    assert all(re.fullmatch(r"sk_test_[0-9A-Za-z]{43}", secret) for secret in secrets)
    assert domain.new_secret(livemode=True).startswith("sk_live_")


def test_only_the_hash_of_a_key_is_in_the_database(make_merchant):
    shop = make_merchant()
    rows = db.query("SELECT k::text AS text FROM merchants_api_key k WHERE id = %s", [shop.key_id])
    assert shop.secret not in rows[0]["text"]
    assert shop.secret[8:] not in rows[0]["text"]
    assert domain.hashed(shop.secret).hex() in rows[0]["text"]


def test_a_revoked_key_is_refused_and_stays_listed(make_merchant):
    shop = make_merchant()
    assert passes(shop.secret)
    services.revoke_key(key_id=shop.key_id)
    assert not passes(shop.secret)
    assert ApiKey.objects.get(id=shop.key_id).revoked_at is not None
    assert len(selectors.keys_of(shop.id)) == 2


def test_both_keys_work_during_the_overlap_of_a_roll_and_the_old_one_ends(make_merchant):
    shop = make_merchant()
    new_id, new_secret = services.roll_key(key_id=shop.key_id, overlap=timedelta(seconds=0.5))
    assert passes(shop.secret)
    assert passes(new_secret)
    time.sleep(0.6)
    assert not passes(shop.secret)
    assert passes(new_secret)
    assert ApiKey.objects.get(id=shop.key_id).replaced_by_id == new_id


def test_a_key_is_never_remembered_beyond_its_expiry(make_merchant):
    shop = make_merchant()
    services.roll_key(key_id=shop.key_id, overlap=timedelta(seconds=0.2))
    gate.forget()
    gate.authenticate(headers(shop.secret), "req_x")
    time.sleep(0.25)
    with pytest.raises(AuthenticationFailed):
        gate.authenticate(headers(shop.secret), "req_x")


def test_a_key_is_rolled_once_and_a_revoked_one_never(make_merchant):
    first, second = make_merchant(), make_merchant()
    services.roll_key(key_id=first.key_id)
    services.revoke_key(key_id=second.key_id)
    for key_id in (first.key_id, second.key_id):
        with pytest.raises(InvalidRequest):
            services.roll_key(key_id=key_id)


def test_a_rolled_key_keeps_mode_and_scopes(make_merchant):
    shop = make_merchant()
    key_id, _ = services.issue_key(merchant_id=shop.id, livemode=True, scopes=["payments:read"])
    new_id, secret = services.roll_key(key_id=key_id)
    new = ApiKey.objects.get(id=new_id)
    assert (new.livemode, new.scopes, secret[:8]) == (True, ["payments:read"], "sk_live_")


@pytest.mark.parametrize(
    ("details", "param"),
    [
        ({"country": "Holland"}, "country"),
        ({"default_currency": "EUR"}, "default_currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"locale": "xx_YY"}, "locale"),
        ({"plan": "no such plan"}, "plan"),
        ({"settings": {"limit_per_key": "many"}}, "settings[limit_per_key]"),
        ({"settings": {"limit_per_key": 0}}, "settings[limit_per_key]"),
        ({"settings": {"colour": "red"}}, "settings[colour]"),
    ],
)
def test_a_merchant_with_a_wrong_detail_is_refused_by_name(make_merchant, details, param):
    with pytest.raises(InvalidRequest) as error:
        make_merchant(**details)
    assert error.value.param == param


def test_changed_settings_keep_the_others_and_reach_the_caller(make_merchant):
    shop = make_merchant(settings={"limit_per_key": 7})
    services.change_settings(merchant_id=shop.id, changes={"require_idempotency_key": True})
    gate.forget()
    caller = gate.authenticate(headers(shop.secret), "req_x")
    assert (caller.limit_per_key, caller.require_idempotency_key) == (7, True)
    with pytest.raises(NotFound):
        services.change_settings(merchant_id=ids.new_id(), changes={})


def test_an_unknown_scope_and_an_unknown_key_are_refused(make_merchant):
    with pytest.raises(InvalidRequest):
        services.issue_key(merchant_id=make_merchant().id, livemode=False, scopes=["everything"])
    with pytest.raises(NotFound):
        services.revoke_key(key_id=ids.new_id())
    with pytest.raises(NotFound):
        services.issue_key(merchant_id=ids.new_id(), livemode=False)


def test_the_right_to_write_includes_the_right_to_read():
    caller = domain.Caller(ids.new_id(), False, ids.new_id(), frozenset({"payments:write"}), "req_x")
    assert caller.may("payments:read")
    assert caller.may("payments:write")
    assert not caller.may("refunds:read")


REVOKE = """
import django, sys, uuid
django.setup()
from apps.merchants import services
services.revoke_key(key_id=uuid.UUID(sys.argv[1]))
"""


async def test_a_key_revoked_by_another_process_dies_within_a_second(make_merchant, settings):
    shop = await sync_to_async(make_merchant)()
    await gate.aauthenticate(headers(shop.secret), "req_x")
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    command = [sys.executable, "-c", REVOKE, str(shop.key_id)]
    process = await asyncio.to_thread(subprocess.run, command, env={**os.environ, "DATABASE_URL": url}, check=True)
    revoked_at = time.monotonic()
    while await passes_now(shop.secret):
        await asyncio.sleep(0.02)
    assert process.returncode == 0
    assert time.monotonic() - revoked_at < 1.0


async def passes_now(secret: str) -> bool:
    try:
        await gate.aauthenticate(headers(secret), "req_x")
    except AuthenticationFailed:
        return False
    return True


def looked_up(monkeypatch) -> list[set[bytes]]:
    """What is looked up, statement by statement."""
    asked: list[set[bytes]] = []
    look_up = gate.flows.look_up_keys
    monkeypatch.setattr(gate.flows, "look_up_keys", lambda hashes: (asked.append(set(hashes)), look_up(hashes))[1])
    return asked


async def used_and_expired(*secrets: str) -> None:
    """Each key was used shortly before the process has to look at it again."""
    gate.forget()
    for secret in secrets * 2:
        await gate.aauthenticate(headers(secret), "req_x")
    for sha256, entry in gate._entries.items():
        gate._entries[sha256] = structs.replace(entry, until=time.monotonic())


async def test_keys_that_are_in_use_are_looked_at_together(make_merchant, monkeypatch):
    shops = [await sync_to_async(make_merchant)() for _ in range(5)]
    monkeypatch.setattr(gate, "_SOON_S", 60)
    await used_and_expired(*(shop.secret for shop in shops))
    asked = looked_up(monkeypatch)
    callers = [await gate.aauthenticate(headers(shop.secret), "req_x") for shop in shops]
    assert [caller.merchant_id for caller in callers] == [shop.id for shop in shops]
    assert asked == [{domain.hashed(shop.secret) for shop in shops}]
    assert not await passes_now("sk_test_nobodys")


async def test_a_key_looked_at_with_anothers_is_refused_once_it_is_revoked_and_its_use_is_written_down(make_merchant, monkeypatch):
    one, other, revoked = [await sync_to_async(make_merchant)() for _ in range(3)]
    monkeypatch.setattr(gate, "_SOON_S", 60)
    await used_and_expired(other.secret, revoked.secret)
    await sync_to_async(services.revoke_key)(key_id=revoked.key_id)
    gate._touched.clear()
    await gate.aauthenticate(headers(one.secret), "req_x")
    assert gate._touched.keys() == {one.key_id, other.key_id}
    assert await passes_now(other.secret)
    assert not await passes_now(revoked.secret)


async def test_a_crowd_with_one_key_looks_it_up_once(make_merchant, monkeypatch):
    shop, asked = await sync_to_async(make_merchant)(), looked_up(monkeypatch)
    callers = await asyncio.gather(*(gate.aauthenticate(headers(shop.secret), f"req_{n}") for n in range(100)))
    assert {caller.merchant_id for caller in callers} == {shop.id}
    assert len(asked) == 1


def test_unknown_keys_are_remembered_briefly_and_in_bounded_numbers(monkeypatch):
    monkeypatch.setattr(gate, "_MAX_ENTRIES", 10)
    for number in range(30):
        assert not _is_let_in(f"sk_test_{number}")
    assert len(gate._entries) <= 10


def _is_let_in(secret: str) -> bool:
    try:
        gate.authenticate(headers(secret), "req_x")
    except AuthenticationFailed:
        return False
    return True


def test_when_a_key_was_last_used_is_written_at_most_once_a_minute(make_merchant):
    shop = make_merchant()
    gate.forget()
    gate.authenticate(headers(shop.secret), "req_x")
    first = ApiKey.objects.get(id=shop.key_id).last_used_at
    gate.forget()
    gate.authenticate(headers(shop.secret), "req_x")
    assert first is not None
    assert ApiKey.objects.get(id=shop.key_id).last_used_at == first


async def test_when_a_key_was_last_used_is_written_beside_the_request(make_merchant):
    shop = await sync_to_async(make_merchant)()
    await gate.aauthenticate(headers(shop.secret), "req_x")
    await asyncio.gather(*gate._touching)
    rows = await db.aquery("SELECT last_used_at FROM merchants_api_key WHERE id = %s", [shop.key_id])
    assert rows[0]["last_used_at"] is not None


def printed(*command: str, **options) -> str:
    out = StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


def test_the_commands_create_issue_roll_and_revoke():
    text = printed("create_merchant", "Corner Shop", "--email=a@b.example", "--country=NL", "--currency=eur")
    account = re.search(r"acct_\w{26}", text).group()
    key, secret = re.search(r"(key_\w{26})  (sk_live_\w+)", printed("issue_key", account, "--live", "--scope=payments:read")).groups()
    rolled, new_secret = re.search(r"(key_\w{26})  (sk_live_\w+)", printed("roll_key", key, "--overlap-hours=1")).groups()
    assert passes(secret)
    assert passes(new_secret)
    printed("revoke_key", rolled)
    assert not passes(new_secret)
    assert len(re.findall(r"sk_(?:test|live)_\w{43}", text)) == 2


def test_right_and_wrong_prefixes_take_the_same_time(make_merchant):
    right, wrong = make_merchant().secret[:47], "zk_none_" + "x" * 39
    times = {right: [], wrong: []}
    for number in range(300):
        for start, taken in times.items():
            gate.forget()
            started = time.process_time()
            _is_let_in(f"{start}{number:04}")
            taken.append(time.process_time() - started)
    quick, slow = sorted(sorted(taken)[75] for taken in times.values())
    assert slow < quick * 1.2
