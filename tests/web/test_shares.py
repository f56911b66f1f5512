"""Workers on one socket hold about as many connections each, however the connections come."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from config.shares import Shares
from tests.stack import Stack
from tests.web.crowds import crowd, held, statuses, until_both_take, until_gone, workers


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("web")).start("web")
    until_both_take(running)
    yield running
    running.stop()


def test_thirty_two_who_come_together_are_shared_evenly_again_and_again(web: Stack) -> None:
    for _ in range(5):
        with ExitStack() as stack:
            statuses(crowd(web, 32, stack))
            fewer, more = held(web)
            assert (fewer + more, more - fewer <= 6) == (32, True)
        until_gone(web)


def test_who_waits_for_a_worker_that_stands_still_is_taken_by_the_other(web: Stack) -> None:
    stopped = workers(web)[0]
    with ExitStack() as stack:
        stack.callback(os.kill, stopped.pid, signal.SIGCONT)
        os.kill(stopped.pid, signal.SIGSTOP)
        assert statuses(crowd(web, 40, stack)) == {b"200"}
        assert held(web) == [0, 40]
    until_gone(web)


def test_a_worker_that_was_killed_is_not_waited_for() -> None:
    shares = Shares()
    shares.sit(1)
    shares.tell(7)
    child = os.fork()
    if not child:
        shares.sit(2)
        os._exit(0)
    os.waitpid(child, 0)
    assert shares.least_of_others() is None


def test_the_one_with_fewest_counts_and_who_has_left_does_not() -> None:
    shares = Shares()
    for age, connections in ((1, 5), (2, 3), (3, 9)):
        shares.sit(age)
        shares.tell(connections)
    assert shares.least_of_others() == 3
    shares.leave()
    assert shares.least_of_others() is None
