"""Gunicorn's workers on one listening socket: who waits while they are held is shared, and answered even if they stop."""

import os
import runpy
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from config import asgi
from devservices.programs import STOPS
from tests.conftest import ROOT
from tests.stack import Stack
from tests.web.crowds import crowd, held, statuses, until, until_both_take, workers


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path).start("web")
    until_both_take(running)
    yield running
    running.stop()


@contextmanager
def _held(web: Stack) -> Iterator[None]:
    """The workers stand still meanwhile, as if their loops were busy."""
    held_back = workers(web)
    for worker in held_back:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in held_back:
            os.kill(worker.pid, signal.SIGCONT)


def test_both_workers_take_their_part_of_those_who_wait(web: Stack) -> None:
    with ExitStack() as stack:
        with _held(web):
            clients = crowd(web, 400, stack)
        assert statuses(clients) == {b"200"}
        fewer, more = held(web)
        assert (fewer + more, fewer >= 64) == (400, True)


def test_at_hup_the_workers_serve_until_those_who_take_their_places_do(web: Stack) -> None:
    old = {worker.pid for worker in workers(web)}
    web.processes["web"].send_signal(signal.SIGHUP)
    until(lambda: len(workers(web)) == 4)
    young = [worker for worker in workers(web) if worker.pid not in old]
    for worker in young:
        os.kill(worker.pid, signal.SIGSTOP)
    for _ in range(5):
        time.sleep(0.2)
        with ExitStack() as stack:
            assert statuses(crowd(web, 4, stack)) == {b"200"}
    for worker in young:
        os.kill(worker.pid, signal.SIGCONT)
    until(lambda: {worker.pid for worker in workers(web)} == {worker.pid for worker in young})
    with ExitStack() as stack:
        assert statuses(crowd(web, 4, stack)) == {b"200"}


def test_told_to_stop_they_answer_who_waits_and_end(web: Stack) -> None:
    with ExitStack() as stack:
        with _held(web):
            clients = crowd(web, 400, stack)
            web.processes["web"].terminate()
        assert statuses(clients) == {b"200"}
    assert web.processes["web"].wait(20) == 0


def test_who_is_told_to_stop_has_the_time_to_drain_before_it_is_killed():
    conf = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert conf["STOP_S"] + asgi.DRAIN_S < conf["graceful_timeout"] < STOPS["web"].stop_wait_s
