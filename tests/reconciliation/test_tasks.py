"""What beat pokes."""

import pytest

from apps.core import db
from apps.reconciliation import tasks
from config.schedule import POKES
from tests.reconciliation.world import World, groups_of


@pytest.fixture
def new_minute() -> None:
    """Nobody has collected in this minute yet."""
    db.query("DELETE FROM recon_job RETURNING job")


def test_beat_pokes_the_task_that_collects() -> None:
    assert tasks.collect.name in {poke.task for poke in POKES.values()}


@pytest.mark.usefixtures("new_minute")
def test_an_acquirer_that_is_away_does_not_stop_the_matching(world: World, settings) -> None:
    capture = world.capture()
    world.settle(capture.line())
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    tasks.collect()
    assert len(groups_of(capture)) == 1


@pytest.mark.usefixtures("new_minute")
def test_a_poke_too_many_does_nothing(world: World, settings) -> None:
    capture = world.capture()
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    db.query("INSERT INTO recon_job (job, period) SELECT 'collect', date_trunc('minute', clock_timestamp()) + n * interval '1 minute' "
             "FROM generate_series(0, 1) n RETURNING job")  # fmt: skip
    world.settle(capture.line())
    tasks.collect()
    assert groups_of(capture) == []
