"""Card data is found however people write it, and ids are not taken for it."""

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import ids
from apps.core.api import cards

NUMBERS = [
    "4242424242424242",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
    "6304000000000000",
]
WAYS_TO_WRITE = [
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    "4242  4242  4242  4242",
    "4242\u00a04242\u00a04242\u00a04242",
    "4242–4242–4242–4242",
    "４２４２４２４２４２４２４２４２",
    "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    "4242\u200b4242\u200b4242\u200b4242",
    "42 42 42 42 42 42 42 42",
    "3782 822463 10005",
    "x4242424242424242y",
    "card 4242424242424242 12/26",
    "4242 4242 4242 4242 12 26",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_issuers_number_is_found(number):
    assert cards.holds_card_data(f"paid with {number} today")


@pytest.mark.parametrize("text", WAYS_TO_WRITE)
def test_a_card_number_is_found_however_it_is_written(text):
    assert cards.holds_card_data(text)


@pytest.mark.parametrize("text", ["4242424242424241", "1234567890123456", "42424242", "9999999999999999", "4242 4242 4242 4241"])
def test_digits_that_are_no_card_number_pass(text):
    assert not cards.holds_card_data(text)


@pytest.mark.parametrize("text", ["cvc 123", "CVV: 1234", "my cvc2=987.", "(csc 123)"])
def test_a_security_code_with_its_name_is_found(text):
    assert cards.holds_card_data(text)


@pytest.mark.parametrize("text", ["invoice 123", "cvcenter 123", "pm_card_visa", "CVC check passed"])
def test_words_that_only_look_like_it_pass(text):
    assert not cards.holds_card_data(text)


@pytest.mark.parametrize(("name", "parent"), [("cvc", ""), ("CVV2", ""), ("card_number", ""), ("number", "card"), ("security-code", "")])
def test_a_parameter_meant_for_card_data_is_found_by_its_name(name, parent):
    assert cards.names_card_data(name, parent)


@pytest.mark.parametrize(("name", "parent"), [("number", "invoice"), ("cvc_check", "checks"), ("card", ""), ("order_number", "metadata")])
def test_other_parameters_pass(name, parent):
    assert not cards.names_card_data(name, parent)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"metadata": {"4242424242424242": "x"}}, ("metadata",)),
        ({"4242424242424242": "x"}, ()),
        ({"items": [{"note": "fine"}, {"note": "4242 4242 4242 4242"}]}, ("items", "1", "note")),
        ({"amount": 4242424242424242}, ("amount",)),
        ({"card": {"number": "hidden"}}, ("card", "number")),
        ({"amount": 1099, "metadata": {"order": "6735"}, "expand": ["customer"]}, None),
    ],
)
def test_card_data_is_found_in_names_texts_and_numbers_at_any_depth(document, path):
    assert cards.where(document) == path


def order_like(chance: random.Random) -> str:
    """An id of the kinds that shops use."""
    kind = chance.randrange(10)
    number = chance.randrange(10**8)
    day = f"20{chance.randrange(20, 30)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
    return [
        f"ORD-{day}-{number:06}",
        f"order_{number}",
        f"{number:010}",
        f"INV/{day[:4]}/{number:07}",
        f"{chance.randrange(100, 1000)}-{chance.randrange(10**7):07}-{chance.randrange(10**7):07}",
        str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        f"#{number}",
        f"{day}{number:06}",
        f"{1_600_000_000_000 + chance.randrange(10**11)}",
        ids.encode("pi", uuid.UUID(int=chance.getrandbits(122))),
    ][kind]


def test_at_most_one_in_a_thousand_order_ids_is_taken_for_a_card():
    chance = random.Random(20261121)
    taken = [text for text in (order_like(chance) for _ in range(100_000)) if cards.holds_card_data(text)]
    assert len(taken) <= 100, taken[:20]


def test_object_ids_and_uuids_are_never_taken_for_a_card():
    chance = random.Random(7)
    for _ in range(20_000):
        number = uuid.UUID(int=chance.getrandbits(122))
        assert not cards.holds_card_data(ids.encode("pi", number))
        assert not cards.holds_card_data(str(uuid.UUID(int=chance.getrandbits(128), version=4)))
    digits_only = "pi_" + "0" + "4242424242424242" + "424242424"
    assert not cards.holds_card_data(digits_only)


def test_a_text_that_is_not_suspicious_holds_no_card_data():
    for text in [*NUMBERS, *WAYS_TO_WRITE, "cvc 123"]:
        assert cards.suspicious(text)


@given(st.text(st.sampled_from("0123456789 -._/\t\x1ca\u00a0"), min_size=13, max_size=40))
def test_no_number_that_the_search_would_find_is_passed_over(text):
    assert cards._may_hold_number(text) == (cards._MAYBE.search(text) is not None)
