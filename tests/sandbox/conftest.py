"""The sandbox knows nothing of the product: these tests need neither its database nor its connections."""

from collections.abc import Iterator

import pytest

from tests.sandbox.process import Sandbox


@pytest.fixture(scope="session", autouse=True)
def database() -> None:
    """Replaces the suite's: nothing is built."""


@pytest.fixture(scope="session", autouse=True)
def hot_pool() -> None:
    """Replaces the suite's: nothing is opened."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Sandbox]:
    """One process for tests that leave its clock, faults and settlements alone."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield sandbox
    sandbox.stop()


@pytest.fixture
def fresh(tmp_path) -> Iterator[Sandbox]:
    """A process and a data directory of the test's own."""
    sandbox = Sandbox(tmp_path / "data")
    yield sandbox
    if sandbox.process.poll() is None:
        sandbox.kill()


@pytest.fixture
def bank(fresh: Sandbox) -> Sandbox:
    """A process of the test's own on the first of October 2026, at noon."""
    fresh.post("/control/clock", {"now": "2026-10-01T12:00:00Z"})
    return fresh
