"""Business time is what a test says it is, and goes on from there."""

from datetime import UTC, datetime, timedelta


def _now(bank):
    return datetime.fromisoformat(bank.get("/control/clock")["now"])


def _is_about(moment, expected):
    return timedelta(0) <= moment - expected < timedelta(seconds=5)


def test_the_clock_starts_as_real_time(fresh):
    assert _is_about(_now(fresh), datetime.now(UTC) - timedelta(seconds=1))
    assert fresh.get("/control/clock")["shift_s"] == 0


def test_entries_carry_business_time(fresh):
    fresh.post("/control/clock", {"now": "2026-10-31T23:59:00+00:00"})
    fresh.authorize()
    fresh.post("/control/clock", {"advance_s": 120})
    fresh.authorize()
    assert [line["at"][:16] for line in fresh.journal() if line["kind"] == "authorize"] == ["2026-10-31T23:59", "2026-11-01T00:01"]


def test_the_clock_ticks_on_after_it_is_set(fresh):
    _, shown = fresh.post("/control/clock", {"now": 1_790_000_000})
    assert shown["unix"] >= 1_790_000_000
    assert fresh.get("/control/clock")["unix"] > shown["unix"]


def test_a_time_without_zone_is_utc_and_zones_are_honoured(fresh):
    for now, expected in (("2027-01-01", "2027-01-01T00:00:00"), ("2027-01-01T01:00:00+02:00", "2026-12-31T23:00:00")):
        fresh.post("/control/clock", {"now": now})
        assert _is_about(_now(fresh), datetime.fromisoformat(expected).replace(tzinfo=UTC))


def test_the_clock_survives_a_restart(fresh):
    fresh.post("/control/clock", {"now": "2030-05-05T12:00:00Z"})
    fresh.restart()
    assert _is_about(_now(fresh), datetime(2030, 5, 5, 12, tzinfo=UTC))


def test_null_returns_to_real_time(fresh):
    fresh.post("/control/clock", {"now": "2030-05-05T12:00:00Z"})
    fresh.post("/control/clock", {"now": None})
    fresh.restart()
    assert fresh.get("/control/clock")["shift_s"] == 0
