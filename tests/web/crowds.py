"""Many clients at once, and which of Gunicorn's workers holds how many of them."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import psutil

from tests.stack import Stack

# Nothing that may be refused when too many ask.
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def workers(web: Stack) -> list[psutil.Process]:
    return psutil.Process(web.processes["web"].pid).children()


def held(web: Stack) -> list[int]:
    """The connections of each worker, the least first."""
    return sorted(sum(one.status == "ESTABLISHED" and one.laddr.port == web.port for one in w.net_connections()) for w in workers(web))


def crowd(web: Stack, many: int, stack: ExitStack) -> list[socket.socket]:
    """That many clients, who have asked."""
    clients = [stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=30)) for _ in range(many)]
    for client in clients:
        client.sendall(REQUEST)
    return clients


def statuses(clients: list[socket.socket]) -> set[bytes]:
    return {client.recv(12)[9:] for client in clients}


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def until_gone(web: Stack) -> None:
    until(lambda: not sum(held(web)))


def until_both_take(web: Stack) -> None:
    """The server answers as soon as one of its workers is up."""
    end, fewer = time.monotonic() + 30, 0
    while not fewer:
        assert time.monotonic() < end
        with ExitStack() as stack:
            statuses(crowd(web, 8, stack))
            fewer = min(held(web))
        until_gone(web)
