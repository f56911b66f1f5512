"""What a hot request may cost in Python: bytecode instructions, which are the same on every machine.

The application runs in this process against the real database; a trace function counts the instructions of
one request after another, those of the event loop left out. What C code does is not seen (`make gate` and
`benchmarks.cpu` see it), but a query set, a serializer or a thread on the hot path would be.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from apps.core.caching import kept
from benchmarks import asked, ground
from benchmarks.asgi import ask
from config.asgi import application
from tests.factories import MadeMerchant, new_merchant

# Instructions of one request, as a failure would print them.
RECORDED = {
    "create": 4_961,
    "transfer": 5_099,
    "confirm": 9_813,
    "get": 2_954,
    "list": 3_432,
    "new list": 26_292,
    "balance": 2_272,
    "replay": 2_206,
}
MOST = 1.15
WARM, TIMES = 12, 21
# Bytecode is another one in each version of Python.
pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the budget was recorded with Python 3.11")
_LOOP = ("/asyncio/", "/selectors.py", "/concurrent/", "/tests/budget/", "/benchmarks/asgi.py")


class Counter:
    """Counts the bytecode instructions of this thread while it is entered."""

    def __enter__(self) -> "Counter":
        self.count = 0
        self.before = sys.gettrace()
        sys.settrace(self.call)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.settrace(self.before)

    def call(self, frame: FrameType, event: str, arg: Any) -> Any:
        if any(part in frame.f_code.co_filename for part in _LOOP):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self.step

    def step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode":
            self.count += 1
        return self.step


@pytest.fixture(scope="module")
def shop(database: str, sandbox: str) -> tuple[MadeMerchant, dict]:
    """A merchant with money and paid intents, and the job of a load for it."""
    merchant, other = new_merchant(), new_merchant()
    ground.endow(merchant.id)
    intents = ground.intents(ground.caller(merchant.id, merchant.key_id), 45)
    return merchant, {"keys": [merchant.secret], "targets": {"transfer": [other.account]}, "intents": intents}


@pytest.mark.parametrize("kind", RECORDED)
async def test_a_hot_request_stays_within_its_budget(shop: tuple[MadeMerchant, dict], kind: str) -> None:
    merchant, job = shop
    targets = job["targets"].get(kind, job["intents"])
    make, is_right = asked.KINDS[kind.removeprefix("new ")](
        {"keys": [merchant.secret], "targets": targets, "prefix": asked.without_digits()}
    )
    requests = [make()] * TIMES if kind in ("replay", "list") else [make() for _ in range(TIMES)]
    counts = [await instructions(request, is_right, is_new=kind.startswith("new ")) for request in requests][WARM:]
    # The least is what the request needs; now and then one also reads a cache anew.
    used = min(counts)
    assert used <= RECORDED[kind] * MOST, f"{kind}: {used:,} instructions, recorded {RECORDED[kind]:,} (+15 %); {counts}"


async def instructions(request: bytes, is_right: Callable[[bytes, bytes], bool], *, is_new: bool) -> int:
    """How many it took to answer `request`, rightly; what is new nobody has read before."""
    if is_new:
        kept.forget_all()
    with Counter() as counter:
        status, body = await ask(application, request)
    assert (status, is_right(request, body)) == (200, True), body
    return counter.count
