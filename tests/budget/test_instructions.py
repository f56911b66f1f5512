"""What a hot request may cost in machine instructions, its C included (benchmarks/counting), where there is valgrind.

Bytecode (test_budget) does not see what orjson, libpq or OpenSSL do. The recorded figures are shares of a fixed
piece of Python counted in the same process, so that another build of Python moves both.
"""

import shutil

import pytest
from django.conf import settings

from benchmarks import counting, ground
from tests.factories import new_merchant

# Instructions of a request by instructions of the unit, as a failure would print them.
RECORDED = {
    "create": 0.239,
    "transfer": 0.251,
    "confirm": 0.481,
    "get": 0.138,
    "list": 0.171,
    "new list": 0.9,
    "balance": 0.095,
    "replay": 0.103,
}
MOST = 1.15

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("callgrind_control") is None, reason="there is no valgrind here"),
]


@pytest.fixture(scope="module")
def job(database: str, sandbox: str) -> dict:
    """The job of a load for one merchant with money and paid intents."""
    merchant, other = new_merchant(), new_merchant()
    ground.endow(merchant.id)
    return {
        "keys": [merchant.secret],
        "accounts": [other.account],
        "intents": ground.intents(ground.caller(merchant.id, merchant.key_id), 60),
    }


def test_hot_requests_stay_within_their_budgets_of_machine_instructions(job: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _services().items():
        monkeypatch.setenv(name, value)
    counts = counting.counted(job, list(RECORDED))
    used = {kind: round(counts[kind] / counts[counting.UNIT], 3) for kind in RECORDED}
    over = {kind: share for kind, share in used.items() if share > RECORDED[kind] * MOST}
    assert not over, f"over 115 % of what is recorded: {over}; all: {used}; instructions: {counts}"


def _services() -> dict[str, str]:
    """Where the counted process finds what these tests run on."""
    facts = settings.DATABASES["default"]
    url = f"postgres://{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"
    return {"DATABASE_URL": url, "SANDBOX_URL": settings.SANDBOX_URL, "RATE_LIMIT_PER_KEY": "1000000", "LOG_LEVEL": "ERROR"}
