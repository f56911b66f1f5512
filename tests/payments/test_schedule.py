"""When the gateway is asked again."""

from itertools import accumulate

from apps.payments.domain import schedule


def test_an_unknown_payment_is_looked_at_after_10s_1min_5min_30min_2h_then_daily() -> None:
    first = schedule.LOOKS_S[0]
    later = [schedule.next_look_s(looks) for looks in range(1, 8)]
    assert list(accumulate([first, *later[:4]])) == [10, 60, 300, 1_800, 7_200]
    assert later[4:] == [86_400, 86_400, 86_400]


def test_a_waiting_customer_is_looked_for_often_at_first() -> None:
    assert [schedule.next_waiting_look_s(age) for age in (5, 200, 400, 4_000)] == [5, 5, 100, 1_000]
    assert schedule.next_waiting_look_s(10**9) == 86_400


def test_no_byte_leaves_after_others_may_decide_that_none_did() -> None:
    assert schedule.last_byte_s(10) == 30 > schedule.SEND_WITHIN_S + 10
    assert schedule.last_byte_s(0.25) == 21
