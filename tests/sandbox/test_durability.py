"""An answer given is an answer kept, whatever happens to the process."""

import http.client
import random
import resource
import subprocess
import sys
import threading
import time

import pytest

from tests.sandbox.process import ROOT, Sandbox, authorization


def _charge_until_it_dies(sandbox, answered):
    while True:
        body = authorization()
        try:
            answered.append((body, sandbox.post("/v1/authorize", body)[1]))
        except (OSError, ValueError, http.client.HTTPException):
            return


@pytest.mark.parametrize("seed", range(5))
def test_a_kill_loses_no_answered_operation_and_doubles_none(fresh, seed):
    answered: list = []
    callers = [threading.Thread(target=_charge_until_it_dies, args=(fresh, answered)) for _ in range(8)]
    for caller in callers:
        caller.start()
    time.sleep(random.Random(seed).uniform(0.05, 0.4))
    fresh.kill()
    for caller in callers:
        caller.join()
    fresh.start()
    references = [line["reference"] for line in fresh.journal()]
    assert answered
    assert len(references) == len(set(references))
    assert all(fresh.post("/v1/authorize", body) == (200, answer) for body, answer in answered)


def test_everything_the_journal_implies_survives_a_restart(fresh):
    held = fresh.authorize(capture=False)["reference"]
    fresh.call("capture", authorization=held, amount=600, currency="eur")
    fresh.call("refund", authorization=held, amount=500, currency="eur")
    asked = fresh.authorize("pm_card_authenticationRequired")["reference"]
    fresh.raw("POST", f"/authenticate/{asked}", b"action=decline")
    fresh.restart()
    assert fresh.call("refund", authorization=held, amount=101, currency="eur")["code"] == "amount_too_large"
    assert fresh.call("capture", authorization=held, amount=1, currency="eur")["code"] == "charge_already_captured"
    assert fresh.look_up(asked)[1]["code"] == "payment_intent_authentication_failure"


@pytest.mark.parametrize("tail", [b'{"seq":3,"at":"2026', b"\0" * 300, b'{"seq":3}\n', b"\xff\xfe\n"])
def test_a_torn_last_line_is_dropped(fresh, tail):
    first, second = fresh.authorize()["reference"], fresh.authorize()["reference"]
    fresh.kill()
    with (fresh.data_dir / "journal.jsonl").open("ab") as journal:
        journal.write(tail)
    fresh.start()
    third = fresh.authorize()["reference"]
    fresh.restart()
    assert [(line["seq"], line["reference"]) for line in fresh.journal()] == [(1, first), (2, second), (3, third)]


def test_damage_to_an_acknowledged_line_is_not_passed_over(fresh):
    for _ in range(3):
        fresh.authorize()
    fresh.kill()
    path = fresh.data_dir / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"x" + lines[1] + lines[2])
    assert "journal line 2 is damaged" in _starts_and_fails(fresh)


def test_a_data_directory_has_one_sandbox(fresh):
    assert "in use by another sandbox" in _starts_and_fails(fresh)
    assert fresh.authorize()["status"] == "captured"


def _starts_and_fails(sandbox):
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data-dir", str(sandbox.data_dir)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert ended.returncode != 0
    return ended.stderr


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit, which only Linux has")
def test_a_full_disk_ends_the_process_before_it_answers_untruly(fresh):
    size = (fresh.data_dir / "journal.jsonl").stat().st_size + 1000
    resource.prlimit(fresh.process.pid, resource.RLIMIT_FSIZE, (size, size))
    answered: list = []
    _charge_until_it_dies(fresh, answered)
    assert fresh.process.wait(10) == 74
    fresh.start()
    assert [line["reference"] for line in fresh.journal()] == [body["reference"] for body, _ in answered]
    assert answered


def test_a_polite_stop_keeps_everything(fresh):
    reference = fresh.authorize()["reference"]
    fresh.stop()
    fresh.start()
    assert fresh.look_up(reference)[1]["status"] == "captured"


def test_the_journal_is_read_from_any_line_on(fresh):
    references = [fresh.authorize()["reference"] for _ in range(5)]
    assert [line["reference"] for line in fresh.journal(after=3)] == references[3:]
    assert (fresh.journal(after=5), fresh.journal(after=99)) == ([], [])
    assert [line["seq"] for line in fresh.journal()] == [1, 2, 3, 4, 5]


class UnderUvicorn(Sandbox):
    command = ("uvicorn", "sandbox.app:app")


def test_the_app_also_runs_under_plain_uvicorn(tmp_path):
    sandbox = UnderUvicorn(tmp_path)
    try:
        assert sandbox.authorize()["status"] == "captured"
    finally:
        sandbox.stop()
    assert (tmp_path / "journal.jsonl").exists()
