"""Gunicorn's workers on one listening socket: who waits while they are held is shared, and answered even if they stop."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.stack import Stack

# Nothing that may be refused when too many ask.
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path).start("web")
    yield running
    running.stop()


def _workers(web: Stack) -> list[psutil.Process]:
    return psutil.Process(web.processes["web"].pid).children()


@contextmanager
def _held(web: Stack) -> Iterator[None]:
    """The workers stand still meanwhile, as if their loops were busy."""
    workers = _workers(web)
    for worker in workers:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker.pid, signal.SIGCONT)


def _crowd(web: Stack, many: int, stack: ExitStack) -> list[socket.socket]:
    clients = [stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=30)) for _ in range(many)]
    for client in clients:
        client.sendall(REQUEST)
    return clients


def _statuses(clients: list[socket.socket]) -> set[bytes]:
    return {client.recv(12)[9:] for client in clients}


def test_both_workers_take_their_part_of_those_who_wait(web: Stack) -> None:
    with ExitStack() as stack:
        with _held(web):
            clients = _crowd(web, 400, stack)
        assert _statuses(clients) == {b"200"}
        held = [sum(one.status == "ESTABLISHED" and one.laddr.port == web.port for one in w.net_connections()) for w in _workers(web)]
        assert sum(held) == 400
        assert min(held) >= 64


def test_told_to_stop_they_answer_who_waits_and_end(web: Stack) -> None:
    with ExitStack() as stack:
        with _held(web):
            clients = _crowd(web, 400, stack)
            web.processes["web"].terminate()
        assert _statuses(clients) == {b"200"}
    assert web.processes["web"].wait(20) == 0
