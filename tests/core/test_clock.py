"""Business dates."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from apps.core import clock

ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"]


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "timestamp", moment.timestamp)


@given(st.datetimes(min_value=datetime(2011, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)), st.sampled_from(ZONES))
def test_a_day_is_the_one_of_its_time_zone_from_its_first_to_its_last_second(moment: datetime, zone: str) -> None:
    day = clock._day_of(moment.timestamp(), zone)
    assert day.on == moment.astimezone(ZoneInfo(zone)).date()
    assert day.begins <= moment.timestamp() < day.ends
    for second, on in ((day.begins, day.on), (day.ends - 0.001, day.on)):
        assert datetime.fromtimestamp(second, ZoneInfo(zone)).date() == on


def test_another_day_begins_at_midnight_of_the_ledgers_time_zone(monkeypatch) -> None:
    with override_settings(LEDGER_TIME_ZONE="Europe/Berlin"):
        found = []
        for hour in (21, 22, 21):
            at(monkeypatch, datetime(2026, 6, 30, hour, 30, tzinfo=UTC))
            found.append(clock.today().isoformat())
    assert found == ["2026-06-30", "2026-07-01", "2026-06-30"]
    assert clock.today().isoformat() == "2026-06-30"
