"""The rules of a comparison, and the diff that shows it."""

import orjson
import pytest

from apps.core.ids import encode, new_id
from apps.cutover.domain.comparing import KEPT_BYTES, Mask, Told, first_difference, json_bytes, judged_read, kept
from apps.cutover.domain.diffing import Piece, by_lines, side_by_side

JSON = "application/json"


def told(document, status: int = 200) -> Told:
    return Told(status, JSON, document if isinstance(document, bytes) else orjson.dumps(document))


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1]"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "object: order of keys"),
        ({"a": 1}, {"a": 1, "b": 2}, "b"),
        ({"a": [1]}, {"a": [1, 2]}, "a: 1 ≠ 2 items"),
        ({"a": 1}, {"a": True}, "a"),
        ({"a": 1}, {"a": 1.0}, "a"),
    ],
)
def test_it_says_where_two_answers_part(one, other, where: str) -> None:
    assert first_difference(orjson.dumps(one), orjson.dumps(other)) == where


def test_the_same_json_in_other_bytes_is_another_answer() -> None:
    found = judged_read(told({"a": 1}), told({"a": 1}), told(b'{"a": 1}'))
    assert (found.verdict, found.what) == ("different", "bytes")


@pytest.mark.parametrize(
    ("sent", "verdict"),
    [
        ({"object": "x", "id": "x_1", "amount": 2}, "same"),
        ({"object": "x", "id": "x_1", "amount": 1}, "moved_on"),
        ({"object": "x", "id": "x_2", "amount": 1}, "different"),
        ({"id": "x_1", "object": "x", "amount": 2}, "different"),
        ({"object": "x", "id": "x_1"}, "different"),
        (b'{"object": "x", "id": "x_1", "amount": 2}', "different"),
    ],
)
def test_only_what_may_have_changed_moves_on(sent, verdict: str) -> None:
    now = told({"object": "x", "id": "x_1", "amount": 2})
    assert judged_read(told(sent), now, now).verdict == verdict


def test_a_500_that_was_sent_is_a_difference_although_both_answer_now() -> None:
    now = told({"object": "x"})
    assert judged_read(told(b"", 500), now, now).what == "sent, and not for want of time: status 500"


def test_ids_are_masked_by_kind_and_place_and_references_have_to_agree() -> None:
    one, other = encode("pi", new_id()), encode("pi", new_id())
    document = {"id": one, "client_secret": f"{one}_secret_x-y", "of": [other, one], "created": 5, "canceled_at": None}
    assert Mask()(document) == {"id": "pi_1", "client_secret": "pi_1_secret", "of": ["pi_2", "pi_1"], "created": 0, "canceled_at": None}


def test_a_secret_leaves_a_trace_that_shows_whether_it_was_the_same() -> None:
    one, again = kept(*[orjson.dumps({"client_secret": secret}) for secret in ("s1", "s1")])
    _, other = kept(b"", orjson.dumps({"client_secret": "s2"}))
    assert one == again != other
    assert "s1" not in one


def test_a_large_body_is_cut_and_says_so() -> None:
    text, _ = kept(b"x" * (KEPT_BYTES + 7), b"")
    assert text.endswith("\n… 7 bytes more")
    assert len(text) < KEPT_BYTES + 30


def test_of_large_bodies_the_part_is_kept_in_which_they_differ() -> None:
    items = [{"id": f"pi_{number}", "metadata": {"ü": "🦊" * 20}, "amount": 5} for number in range(3_000)]
    one = json_bytes({"data": items})
    other = json_bytes({"data": [*items[:2_000], items[2_000] | {"amount": 6}, *items[2_001:]]})
    left, right = kept(one, other)
    before, first, *_ = by_lines(left).split("\n")
    changed = [row for row in side_by_side(by_lines(left), by_lines(right)) if row.kind == "changed"]
    assert [row.right.pieces[-1] for row in changed if row.right] == [Piece("6", True)]
    assert (before.endswith(" bytes before"), "�" in left, max(len(left), len(right)) < KEPT_BYTES + 70) == (True, False, True)
    assert first[0] in '{"'


def test_the_diff_shows_changed_words_and_folds_what_is_far_away() -> None:
    left = {f"k{n}": n for n in range(20)}
    rows = side_by_side(by_lines(orjson.dumps(left).decode()), by_lines(orjson.dumps(left | {"k10": 99}).decode()))
    assert [(row.kind, row.hidden) for row in rows if row.kind != "equal"] == [("fold", 8), ("changed", 0), ("fold", 7)]
    [changed] = [row for row in rows if row.kind == "changed"]
    assert changed.left.pieces[1:] == (Piece("10", True), Piece(","))
    assert changed.right.pieces[1:] == (Piece("99", True), Piece(","))


def test_a_line_that_one_side_lacks_stands_alone() -> None:
    rows = side_by_side("a\nb\nc", "a\nc")
    assert [(row.left.number if row.left else None, row.right.number if row.right else None) for row in rows] == [(1, 1), (2, None), (3, 2)]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ('{"a":[],"b":{"c":"{,"},"d":1.0}', ["{", '  "a":[],', '  "b":{', '    "c":"{,"', "  },", '  "d":1.0', "}"]),
        ('{"a":[{"b":"cut o', ["{", '  "a":[', "    {", '      "b":"cut o']),
        ("RuntimeError, [1, 2]", ["RuntimeError, [1, 2]"]),
        ("", []),
    ],
)
def test_a_body_gets_a_line_for_each_member_also_where_it_is_cut_off(body, lines) -> None:
    assert by_lines(body).splitlines() == lines


def test_two_spellings_of_one_meaning_still_differ() -> None:
    rows = side_by_side(by_lines(r'{"a":1,"b":"\u00e9"}'), by_lines('{"a": 1,"b":"é"}'))
    assert [row.kind for row in rows] == ["equal", "changed", "changed", "equal"]


def test_equal_lines_are_folded_unless_all_are_asked_for() -> None:
    text = "\n".join(str(number) for number in range(50))
    assert [row.kind for row in side_by_side(text, text)] == ["fold"]
    assert len(side_by_side(text, text, folded=False)) == 50
