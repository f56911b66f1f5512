"""The sandbox misbehaves exactly as asked, and the journal tells what really happened."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead

import pytest

from tests.sandbox.process import authorization

QUICK = {"timeout_s": 0.3, "slow_s": 0.3, "drip_s": 0.01}


@pytest.fixture
def bank(shared):
    """One process for all of these tests, well behaved again after each."""
    shared.post("/control/faults", QUICK)
    yield shared
    shared.post("/control/faults", {})


def _charge(bank, payment_method="pm_card_visa", timeout=10.0):
    """The reference, and what the caller saw: an answer's status or the name of the failure."""
    body = authorization(payment_method)
    try:
        response = bank.raw("POST", "/v1/authorize", json.dumps(body).encode(), timeout=timeout)
        answer = json.loads(response.content)
    except (OSError, ValueError, IncompleteRead) as error:
        return body["reference"], type(error).__name__
    if response.status != 200:
        return body["reference"], response.status
    return body["reference"], answer["status"] if answer["reference"] == body["reference"] else "other"


@pytest.mark.parametrize(
    ("token", "seen", "effects"),
    [
        ("pm_card_slow", "captured", ["captured"]),
        ("pm_card_timeout", "captured", ["captured"]),
        ("pm_card_timeoutNoCharge", "ConnectionResetError", []),
        ("pm_card_resetAfterCharge", "ConnectionResetError", ["captured"]),
        ("pm_card_wrongReference", "other", ["captured"]),
        ("pm_card_truncated", "JSONDecodeError", ["captured"]),
        ("pm_card_error500", 500, []),
    ],
)
def test_a_misbehaving_token_does_what_it_says(bank, token, seen, effects):
    reference, saw = _charge(bank, token)
    assert (saw, bank.effects(reference)) == (seen, effects)
    assert bank.look_up(reference)[0] == (200 if effects else 404)


@pytest.mark.parametrize(("token", "setting"), [("pm_card_slow", "slow_s"), ("pm_card_timeout", "timeout_s")])
def test_a_late_answer_comes_late(bank, token, setting):
    bank.post("/control/faults", QUICK | {setting: 0.5})
    started = time.monotonic()
    _charge(bank, token)
    assert time.monotonic() - started >= 0.5


def test_a_caller_that_gives_up_is_charged_all_the_same(bank):
    bank.post("/control/faults", {"timeout_s": 30})
    reference, saw = _charge(bank, "pm_card_timeout", timeout=0.2)
    assert saw == "TimeoutError"
    assert bank.look_up(reference)[1]["status"] == "captured"


def test_a_resent_request_is_answered_plainly(bank):
    body = authorization("pm_card_truncated")
    bank.raw("POST", "/v1/authorize", json.dumps(body).encode())
    status, answer = bank.post("/v1/authorize", body)
    assert (status, answer["status"], bank.effects(body["reference"])) == (200, "captured", ["captured"])


@pytest.mark.parametrize(
    ("rate", "seen"),
    [
        ("reset_after_rate", "ConnectionResetError"), ("drip_rate", "captured"),
        ("truncated_rate", "JSONDecodeError"), ("wrong_reference_rate", "other"),
    ],
)  # fmt: skip
def test_faults_after_the_effect_have_charged(bank, rate, seen):
    bank.post("/control/faults", QUICK | {rate: 1})
    reference, saw = _charge(bank)
    assert (saw, bank.effects(reference)) == (seen, ["captured"])


@pytest.mark.parametrize(("rate", "seen"), [("timeout_rate", {"captured", "ConnectionResetError"}), ("error_rate", {500, 502, 503})])
def test_timeouts_and_errors_strike_before_or_after_the_effect(bank, rate, seen):
    bank.post("/control/faults", {"timeout_s": 0.05, rate: 1, "seed": 7})
    charges = [_charge(bank) for _ in range(24)]
    assert {saw for _, saw in charges} == seen
    assert {len(bank.effects(reference)) for reference, _ in charges} == {0, 1}


def test_equal_seeds_give_equal_faults(bank):
    def twelve():
        bank.post("/control/faults", {"error_rate": 0.3, "truncated_rate": 0.3, "seed": 42})
        return [_charge(bank)[1] for _ in range(12)]

    first = twelve()
    assert (twelve(), len(set(first)) > 1) == (first, True)


def test_latency_delays_calls_and_look_ups(bank):
    reference, _ = _charge(bank)
    bank.post("/control/faults", {"latency_ms": 300})
    started = time.monotonic()
    bank.look_up(reference)
    _charge(bank)
    assert time.monotonic() - started >= 0.6


def test_a_black_hole_swallows_calls_and_charges_nothing(bank):
    bank.post("/control/faults", {"blackhole": True})
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(_charge, bank, timeout=5) for _ in range(4)]
        time.sleep(0.5)
        assert not any(call.done() for call in calls)
        bank.post("/control/faults", {})
        assert {call.result()[1] for call in calls} == {"ConnectionResetError"}
    assert all(bank.effects(call.result()[0]) == [] for call in calls)


def test_look_ups_lag_behind_as_long_as_asked(bank):
    bank.post("/control/faults", {"lookup_404_s": 0.5})
    reference, saw = _charge(bank)
    assert (saw, bank.look_up(reference)) == ("captured", (404, {"error": "not_found"}))
    time.sleep(0.6)
    assert bank.look_up(reference)[1]["status"] == "captured"


def test_settings_left_out_are_reset(bank):
    bank.post("/control/faults", {"latency_ms": 5, "seed": 3})
    status, settings = bank.post("/control/faults", {"blackhole": False})
    assert (status, settings["latency_ms"], settings["seed"], settings["timeout_s"]) == (200, 0, None, 30)
    assert bank.get("/control/faults") == settings
