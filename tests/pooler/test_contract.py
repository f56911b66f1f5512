"""Hot views and their DRF twins answer through PgBouncer what they answer without it: the contract's own tests."""

import pytest

from tests.contract.test_twins import (
    test_a_read_is_answered_in_the_same_bytes,
    test_a_write_is_answered_alike,
    test_what_one_answered_the_other_replays,
)
from tests.payments.conftest import fresh  # noqa: F401

__all__ = ["test_a_read_is_answered_in_the_same_bytes", "test_a_write_is_answered_alike", "test_what_one_answered_the_other_replays"]
pytestmark = pytest.mark.usefixtures("through")


async def test_the_contract_was_checked_through_it(bouncer) -> None:
    (stats,) = [row for row in bouncer.ask("SHOW STATS_TOTALS") if row["database"].startswith("florin_test")]
    assert int(stats["xact_count"]) > 100
