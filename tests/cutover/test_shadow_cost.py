"""What a request pays for being looked at, in bytecode instructions: about 20 ns each. A hot read takes 5,000."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.http import HttpResponse

from apps.cutover.api import shadowing
from apps.merchants.domain import Caller
from tests.budget.test_budget import Counter

CALLER = Caller(merchant_id=uuid4(), livemode=False, key_id=uuid4(), scopes=frozenset(), request_id="req_1")


@pytest.mark.parametrize(("percent", "most", "taken"), [(0, 30, 0), (100, 300, 1)])
def test_a_request_pays_next_to_nothing_and_little_when_it_is_taken(percent: int, most: int, taken: int, monkeypatch) -> None:
    monkeypatch.setitem(shadowing.rates, "balance.retrieve", percent / 100)
    shadowing.discard()
    request, response = SimpleNamespace(), HttpResponse(b"{}")
    with Counter() as counter:
        shadowing.offer("balance.retrieve", CALLER, request, response)  # type: ignore[arg-type]
    assert len(shadowing.discard()) == taken
    assert 0 < counter.count <= most
