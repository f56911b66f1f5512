"""Pages by keyset."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from apps.core import ids
from apps.core.api import lists
from apps.core.api.types import CreatedRange, ListParams, merged_metadata
from apps.core.errors import InvalidId, InvalidRequest

ROWS = [{"id": number} for number in range(5)]


def shown(rows, **params):
    at = lists.keyset(ListParams(**params), prefix="pi")
    return lists.page(rows, at, "/v1/things", lambda row: {"id": row["id"]})


def test_the_first_page_is_newest_first_and_fetches_one_row_more():
    at = lists.keyset(ListParams(limit=3), prefix="pi")
    assert (at.condition, at.order, at.fetch) == ("true", "id DESC", 4)


def test_a_page_after_an_id_holds_older_objects():
    cursor = ids.new_id()
    at = lists.keyset(ListParams(starting_after=ids.encode("pi", cursor)), prefix="pi")
    assert (at.condition, at.order, at.params) == ("id < %(cursor)s", "id DESC", {"cursor": cursor})


def test_a_page_before_an_id_is_fetched_backwards_and_shown_forwards():
    at = lists.keyset(ListParams(ending_before=ids.encode("pi", ids.new_id()), limit=2), prefix="pi")
    document = lists.page(ROWS[:3], at, "/v1/things", dict)
    assert at.order == "id ASC"
    assert [row["id"] for row in document["data"]] == [1, 0]
    assert document["has_more"] is True


def test_a_full_page_says_whether_there_is_more():
    assert shown(ROWS, limit=4) == {"object": "list", "url": "/v1/things", "has_more": True, "data": ROWS[:4]}
    assert shown(ROWS, limit=5)["has_more"] is False


def test_both_cursors_at_once_are_refused():
    text = ids.encode("pi", UUID(int=1))
    with pytest.raises(InvalidRequest) as error:
        lists.keyset(ListParams(starting_after=text, ending_before=text), prefix="pi")
    assert error.value.param == "ending_before"


def test_the_cursor_of_another_type_is_refused_by_name():
    with pytest.raises(InvalidId) as error:
        lists.keyset(ListParams(starting_after=ids.encode("cus", UUID(int=1))), prefix="pi")
    assert error.value.param == "starting_after"


def test_bounds_on_the_time_bound_the_ids_as_far_as_these_tell_it(settings):
    settings.CLOCK_MAY_MOVE = False
    params = ListParams(created=CreatedRange(gte=10_000, lt=20_000))
    conditions = {kind: lists.keyset(params, prefix="pi", column="i.id", ids_are=kind).condition for kind in ("any", "early", "dated")}
    assert "i.id" not in conditions["any"]
    assert conditions["early"] == conditions["any"] + " AND i.id < %(id_below)s"
    assert conditions["dated"] == conditions["any"] + " AND i.id >= %(id_from)s AND i.id < %(id_below)s"
    found = lists.keyset(params, prefix="pi", ids_are="dated").params
    assert (found["id_from"], found["id_below"]) == (ids.lowest(10_000 - 600), ids.lowest(20_000 + 600))


def test_where_business_time_may_be_moved_it_bounds_no_ids():
    at = lists.keyset(ListParams(created=CreatedRange(gte=10_000)), prefix="pi", ids_are="dated")
    assert at.condition == "created >= %(created_gte)s"


def test_an_id_made_now_lies_between_the_lowest_of_now_and_of_later():
    now = datetime.now(UTC).timestamp()
    assert ids.lowest(now - 1) < ids.new_id() < ids.lowest(now + 1)
    assert ids.lowest(-5) == UUID(int=0)


def test_created_bounds_hold_whole_seconds():
    at = lists.keyset(ListParams(created=CreatedRange(gt=10, lte=20)), prefix="pi")
    assert at.condition == "created >= %(created_gt)s AND created < %(created_lte)s"
    assert at.params == {"created_gt": datetime.fromtimestamp(11, UTC), "created_lte": datetime.fromtimestamp(21, UTC)}


def test_created_at_one_second_is_that_second():
    at = lists.keyset(ListParams(created=10), prefix="pi")
    assert [value.timestamp() for value in at.params.values()] == [10, 11]


def test_reversed_bounds_are_refused_by_name():
    with pytest.raises(InvalidRequest) as error:
        lists.keyset(ListParams(created=CreatedRange(gte=20, lt=10)), prefix="pi")
    assert error.value.param == "created[lt]"


def test_metadata_is_merged_key_by_key():
    assert merged_metadata({"a": "1", "b": "2"}, {"b": "", "c": "3"}) == {"a": "1", "c": "3"}
    assert merged_metadata({"a": "1"}, None) == {}
