"""Refunds: who pays, what is held meanwhile, and what is never exceeded."""

from datetime import date

import pytest

from apps.core.errors import InvalidRequest, ParameterMissing
from apps.payments import flows, services
from apps.payments.domain import requests
from apps.payments.errors import AmountTooLarge, BalanceInsufficient, ChargeAlreadyRefunded, ChargeNotRefundable, ReferenceMissing
from tests.payments.shop import Shop, age, due_now

ALL_DUE = date(2190, 1, 1)


def test_a_refund_is_paid_from_pending_money_while_nothing_is_available(shop: Shop) -> None:
    intent = shop.pay()
    refund = shop.refund(intent, amount=4_000, reason="requested_by_customer")
    assert (refund["status"], refund["amount"], refund["reason"]) == ("succeeded", 4_000, "requested_by_customer")
    assert (shop.booked("available"), shop.booked("pending"), shop.money()) == (0, 5_680, (0, 5_680))
    assert shop.events()[-3:] == ["refund.created", "charge.refunded", "refund.updated"]


def test_a_refund_is_paid_from_available_money_first(shop: Shop) -> None:
    intent = shop.pay()
    services.release_funds(due=ALL_DUE)
    shop.pay(1_000)
    shop.refund(intent)
    assert (shop.booked("available"), shop.booked("pending")) == (0, 941 - 320)
    row = shop.rows("payments_refund")[0]
    assert (row["from_available"], row["from_pending"]) == (9_680, 320)


def test_pending_money_is_drawn_oldest_first(shop: Shop) -> None:
    first, second, third = shop.pay(1_000), shop.pay(2_000), shop.pay(3_000)
    shop.refund(third, amount=1_500)
    remaining = {row["id"]: row["amount_captured"] for row in shop.rows("payments_charge")}
    draws = shop.rows("payments_refund")[0]["draws"]
    assert [(remaining_id, draw["amount"]) for remaining_id, draw in zip(sorted(remaining), draws, strict=False)] == [
        (sorted(remaining)[0], 941),
        (sorted(remaining)[1], 559),
    ]
    assert [draw["charge_id"] for draw in draws] == [str(one) for one in sorted(remaining)[:2]]
    assert (first["status"], second["status"]) == ("succeeded", "succeeded")


def test_a_refund_without_an_amount_gives_back_all_that_is_left(shop: Shop) -> None:
    intent = shop.pay()
    shop.pay()
    shop.refund(intent, amount=2_500)
    rest = shop.refund(intent, expand=["charge", "payment_intent", "balance_transaction"])
    assert (rest["amount"], rest["charge"]["amount_refunded"], rest["charge"]["refunded"]) == (7_500, 10_000, True)
    assert (rest["balance_transaction"]["net"], rest["payment_intent"]["id"]) == (-7_500, intent["id"])


def test_more_than_what_is_left_is_not_refunded(shop: Shop) -> None:
    intent = shop.pay()
    shop.pay()
    shop.refund(intent, amount=9_000)
    with pytest.raises(AmountTooLarge) as refused:
        shop.refund(intent, amount=1_001)
    assert (refused.value.param, refused.value.fields["limit"]) == ("amount", 1_000)
    shop.refund(intent, amount=1_000)
    with pytest.raises(ChargeAlreadyRefunded):
        shop.refund(intent)
    assert shop.booked("pending") == 2 * 9_680 - 10_000


def test_what_was_not_captured_is_not_refunded(shop: Shop) -> None:
    held, declined = shop.hold(), shop.create()
    shop.confirm(declined, payment_method="pm_card_chargeDeclined")
    for intent in (held, declined):
        with pytest.raises(ChargeNotRefundable):
            shop.refund(intent)
    with pytest.raises(InvalidRequest):
        shop.refund(shop.create())
    assert (shop.rows("payments_refund"), shop.booked("pending")) == ([], 0)


def test_a_refund_never_takes_the_merchant_below_zero(shop: Shop) -> None:
    intent = shop.pay()
    with pytest.raises(BalanceInsufficient):
        shop.refund(intent)
    assert (shop.rows("payments_refund"), shop.money(), shop.booked("pending")) == ([], (0, 9_680), 9_680)
    shop.refund(intent, amount=9_680)
    assert shop.money() == (0, 0)


def test_a_refund_names_a_charge_or_an_intent_of_this_merchant(shop: Shop, new_shop) -> None:
    theirs = new_shop().pay()
    with pytest.raises(ReferenceMissing):
        shop.refund(theirs)
    with pytest.raises(ParameterMissing):
        shop.ask(flows.create_refund, requests.CreateRefund)
    mine = shop.pay()
    refund = shop.ask(flows.create_refund, requests.CreateRefund, charge=mine["latest_charge"], amount=100)
    assert (refund["charge"], refund["payment_intent"]) == (mine["latest_charge"], mine["id"])


def test_a_refund_that_the_gateway_declines_gives_the_money_back(shop: Shop) -> None:
    intent = shop.pay(method="pm_card_refundFail")
    refund = shop.refund(intent, amount=4_000)
    assert (refund["status"], refund["failure_reason"]) == ("failed", "declined")
    assert (shop.booked("pending"), shop.money()) == (9_680, (0, 9_680))
    assert [row["amount_refunded"] + row["amount_refund_pending"] for row in shop.rows("payments_charge")] == [0]
    assert shop.events()[-3:] == ["refund.created", "refund.updated", "refund.failed"]


def test_money_for_an_unknown_refund_stays_on_hold_until_it_is_known(shop: Shop, faults, impatient) -> None:
    intent = shop.pay()
    faults(reset_after_rate=1)
    refund = shop.refund(intent, amount=4_000)
    assert (refund["status"], shop.booked("pending"), shop.money()) == ("pending", 9_680, (0, 5_680))
    faults()
    due_now(shop)
    flows.recover_due()
    assert (shop.rows("payments_refund")[0]["status"], shop.booked("pending"), shop.money()) == ("succeeded", 5_680, (0, 5_680))


def test_a_refund_that_never_arrived_gives_the_money_back(shop: Shop, faults, impatient) -> None:
    intent = shop.pay()
    faults(blackhole=True)
    assert shop.refund(intent, amount=4_000)["status"] == "pending"
    faults()
    due_now(shop)
    flows.recover_due()
    age(shop, 240)
    due_now(shop)
    flows.recover_due()
    assert (shop.rows("payments_refund")[0]["status"], shop.money()) == ("failed", (0, 9_680))
    assert shop.refund(intent, amount=9_000)["status"] == "succeeded"


def test_funds_that_were_due_meanwhile_are_released_when_a_refund_fails(shop: Shop, faults, impatient) -> None:
    intent = shop.pay(method="pm_card_refundFail")
    faults(reset_after_rate=1)
    shop.refund(intent, amount=4_000)
    services.release_funds(due=ALL_DUE)
    assert shop.money() == (5_680, 0)
    faults()
    due_now(shop)
    flows.recover_due()
    assert shop.money() == (5_680, 4_000)
    services.release_funds(due=ALL_DUE)
    assert shop.money() == (9_680, 0)


def test_the_same_key_refunds_once(shop: Shop) -> None:
    intent = shop.pay()
    first = shop.refund(intent, amount=1_000, key="r")
    again = shop.refund(intent, amount=1_000, key="r")
    assert (again, shop.answer.replayed, shop.booked("pending")) == (first, True, 8_680)
