"""Every case goes to the hot view and to its DRF twin."""

from collections.abc import Iterator

import pytest

from tests.sdk.conftest import stack
from tests.stack import Stack

__all__ = ["stack"]


@pytest.fixture(scope="session")
def classic_stack(sandbox: str, tmp_path_factory) -> Iterator[Stack]:
    """Gunicorn with the hot routes off: the DRF twins answer."""
    running = Stack(tmp_path_factory.mktemp("classic"), extra={"HOT_ROUTES": "off", "WEB_CONCURRENCY": "1"}).start("web")
    yield running
    running.stop()


@pytest.fixture(params=["hot", "classic"])
def base(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("stack" if request.param == "hot" else "classic_stack").base
