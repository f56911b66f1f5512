"""What was made of versions of rows: found again, within bounds, and forgotten with the server that numbered them."""

from django.conf import settings

from apps.core.caching.kept import Kept
from apps.core.db.pipeline import Lines


def test_values_are_found_by_their_versions_in_their_order() -> None:
    kept: Kept[str] = Kept(100)
    for version in "ab":
        kept.keep((b"1", version), version.upper(), 1)
    assert kept.all([(b"1", "b"), (b"1", "a"), (b"1", "b")]) == ["B", "A", "B"]
    assert kept.all([(b"1", "a"), (b"2", "a")]) is None
    assert kept.all([]) == []


def test_beyond_the_bound_the_older_half_goes() -> None:
    kept: Kept[int] = Kept(10)
    sizes = []
    for number in range(100):
        kept.keep(number, number, 2)
        sizes.append(sum(kept.get(known) is not None for known in range(100)))
    assert max(sizes) * 2 <= 10
    assert kept.get(99) == 99
    assert kept.get(0) is None


def test_what_does_not_fit_is_not_kept() -> None:
    kept: Kept[int] = Kept(0)
    kept.keep("a", 1, 2)
    assert kept.get("a") is None


async def test_another_connection_may_lead_to_a_server_that_numbers_anew(database: str) -> None:
    kept: Kept[str] = Kept(100)
    lines = Lines(settings.HOT_DATABASE_DSN, count=1, prepare=True, wait_s=2.0)
    await lines.ask("SELECT 1", ())
    kept.keep(b"1", "old", 1)
    await lines.ask("SELECT 1", ())
    assert kept.get(b"1") == "old"
    lines._lines[0].break_off(ConnectionResetError())
    await lines.ask("SELECT 1", ())
    await lines.close()
    assert kept.get(b"1") is None
