"""Ids: UUIDv7 within, TypeID without."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import ids
from apps.core.errors import InvalidId


@given(st.uuids())
def test_every_uuid_survives_the_round_trip(value: UUID) -> None:
    assert ids.decode("pi", ids.encode("pi", value)) == value


def test_the_text_is_the_one_of_the_specification() -> None:
    assert ids.encode("prefix", UUID("01890a5d-ac96-774b-bcce-b302099a8057")) == "prefix_01h455vb4pex5vsknk084sn02q"


def test_ids_sort_by_time_in_both_forms() -> None:
    made = [ids.new_id() for _ in range(1000)]
    assert [ids.encode("pi", one) for one in sorted(made)] == sorted(ids.encode("pi", one) for one in made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pi",
        "pi_",
        "ch_01h455vb4pex5vsknk084sn02q",
        "pi_81h455vb4pex5vsknk084sn02q",
        "pi_01H455VB4PEX5VSKNK084SN02Q",
        "pi_01h455vb4pex5vsknk084sn02q0",
        "pi_../../../etc/passwd0000000",
        "pi_0\x00h455vb4pex5vsknk084sn02",
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidId) as refused:
        ids.decode("pi", text, param="payment_intent")
    assert refused.value.param == "payment_intent"
