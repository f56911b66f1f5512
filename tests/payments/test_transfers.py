"""Transfers between merchants: one call, guarded, never below zero."""

from datetime import date

import pytest

from apps.core.ids import encode, new_id
from apps.payments import services
from apps.payments.errors import BalanceInsufficient, ReferenceMissing, TransferToSelf
from tests.payments.shop import Shop


@pytest.fixture
def rich(shop: Shop) -> Shop:
    """A merchant with 96.80 available."""
    shop.pay()
    services.release_funds(due=date(2190, 1, 1))
    return shop


def test_a_transfer_moves_available_money_at_once(rich: Shop, new_shop) -> None:
    other = new_shop()
    transfer = rich.transfer(other, 5_000, description="rent")
    assert (transfer["amount"], transfer["destination"], rich.money(), other.money()) == (
        5_000,
        other.merchant.account,
        (4_680, 0),
        (5_000, 0),
    )
    paid, received = rich.rows("payments_balance_transaction")[-1], other.rows("payments_balance_transaction")[-1]
    assert (paid["type"], paid["net"], received["type"], received["net"]) == ("transfer", -5_000, "payment", 5_000)
    assert rich.events()[-1] == "transfer.created"


def test_a_transfer_never_takes_the_payer_below_zero(rich: Shop, new_shop) -> None:
    other = new_shop()
    rich.transfer(other, 9_680)
    with pytest.raises(BalanceInsufficient):
        rich.transfer(other, 1)
    assert (rich.money(), other.money(), len(rich.rows("payments_transfer"))) == ((0, 0), (9_680, 0), 1)


def test_pending_money_cannot_be_transferred(shop: Shop, new_shop) -> None:
    shop.pay()
    with pytest.raises(BalanceInsufficient):
        shop.transfer(new_shop(), 1)
    assert shop.money() == (0, 9_680)


def test_the_same_key_transfers_once(rich: Shop, new_shop) -> None:
    other = new_shop()
    first = rich.transfer(other, 1_000, key="t")
    assert (rich.transfer(other, 1_000, key="t"), rich.answer.replayed, other.money()) == (first, True, (1_000, 0))


def test_a_refused_transfer_may_be_tried_again_with_its_key(rich: Shop, new_shop) -> None:
    other = new_shop()
    with pytest.raises(BalanceInsufficient):
        rich.transfer(other, 9_681, key="t")
    assert rich.transfer(other, 9_680, key="t")["amount"] == 9_680


def test_a_transfer_goes_to_another_merchant_that_exists(rich: Shop, new_shop) -> None:
    with pytest.raises(TransferToSelf):
        rich.transfer(rich, 1)
    with pytest.raises(ReferenceMissing) as refused:
        rich.transfer(new_shop(), 1, destination=encode("acct", new_id()))
    assert (refused.value.param, rich.money()) == ("destination", (9_680, 0))


def test_test_money_does_not_reach_the_live_balance(rich: Shop, new_shop) -> None:
    other = new_shop()
    rich.transfer(other, 1_000)
    assert (Shop(other.merchant, livemode=True).money(), other.money()) == ((0, 0), (1_000, 0))
