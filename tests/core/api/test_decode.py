"""One strict decoder: what it refuses it names; JSON and form mean the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.api import decode
from apps.core.api.errors import BodyInvalid, CardDataNotAccepted, ContentTypeUnsupported, ParameterRepeated
from apps.core.api.types import Amount, Currency, Description, Expand, ListParams, Metadata, Shape
from apps.core.errors import FlorinError, ParameterMissing, ParameterUnknown


class Line(Shape):
    amount: Amount


class Order(Shape):
    amount: Amount
    currency: Currency
    confirm: bool = False
    description: Description | None = None
    metadata: Metadata = {}
    lines: list[Line] = []
    expand: Expand = []


def order(raw: bytes | str, content_type: str = decode.JSON) -> Order:
    return decode.decode(content_type, raw if isinstance(raw, bytes) else raw.encode(), "", Order)


def refused(raw: bytes | str, content_type: str = decode.JSON) -> FlorinError:
    with pytest.raises(FlorinError) as caught:
        order(raw, content_type)
    assert 400 <= caught.value.status < 500
    return caught.value


def body(**changes: object) -> str:
    return json.dumps({"amount": 1050, "currency": "eur"} | changes)


def test_a_form_and_json_with_the_same_meaning_are_the_same_request():
    form = order("currency=eur&metadata[b]=2&metadata[a]=1&amount=1050&lines[0][amount]=5&confirm=true", decode.FORM)
    same = order(body(confirm=True, metadata={"a": "1", "b": "2"}, lines=[{"amount": 5}]))
    assert form == same
    assert decode.canonical(form) == decode.canonical(same)


def test_the_canonical_form_tells_different_requests_apart():
    assert decode.canonical(order(body())) != decode.canonical(order(body(amount=1051)))


@pytest.mark.parametrize("value", ["10.10", "1e2", "1E+3", "1e400", "-1e999", '"10"', "true", "null", "[]"])
def test_an_amount_that_is_not_an_integer_is_refused_by_name(value):
    assert refused(f'{{"amount": {value}, "currency": "eur"}}').param == "amount"


@pytest.mark.parametrize(("name", "value"), [("currency", "eur\n"), ("expand", ["customer\n"])])
def test_a_value_with_a_line_break_behind_it_is_another_value(name, value):
    assert (refused(body(**{name: value})).param or "").startswith(name)


@pytest.mark.parametrize("value", [-5, 0, 2**37, 2**63, 2**64, 10**19, int("9" * 400)])
def test_an_amount_out_of_range_is_refused_by_name(value):
    error = refused(f'{{"amount": {value}, "currency": "eur"}}')
    assert (error.code, error.param) == ("parameter_invalid_integer", "amount")


@pytest.mark.parametrize("value", ["1E+3", "１２３", "٣", "10.10", "true", "", "-5", "0", "9" * 400])
def test_the_same_in_a_form(value):
    assert refused(f"amount={value}&currency=eur", decode.FORM).param == "amount"


@pytest.mark.parametrize("value", ["EUR", "xxx", "dem", "eu", "", "еur", "e\u200bur"])
def test_an_unknown_currency_is_refused_by_name(value):
    assert refused(body(currency=value)).param == "currency"


@pytest.mark.parametrize(
    "raw",
    [
        "[]",
        '"x"',
        "null",
        "1",
        "{",
        '{"amount": 1',
        '{"amount": 1} x',
        "{}{}",
        '{"amount": NaN}',
        '{"amount": -Infinity}',
        "{'a': 1}",
        '{"a":1,}',
        "\ufeff{}",
    ],
)
def test_what_is_not_one_json_object_is_refused(raw):
    assert refused(raw).code == "body_invalid"


@pytest.mark.parametrize("raw", [b"", b"{}"])
def test_an_empty_body_lacks_the_first_parameter(raw):
    with pytest.raises(ParameterMissing) as error:
        order(raw)
    assert error.value.param == "amount"


def test_a_repeated_key_is_refused_by_name():
    with pytest.raises(ParameterRepeated) as error:
        order('{"amount": 1, "amount": 2, "currency": "eur"}')
    assert error.value.param == "amount"


@pytest.mark.parametrize("name", ["status", "merchant_id", "fee", "livemode", "__proto__", "x" * 5_000, "a`b", "$where"])
def test_an_unknown_parameter_is_refused_by_name(name):
    error = refused(body(**{name: "x"}))
    assert isinstance(error, ParameterUnknown)
    assert error.param == (name if len(name) < 100 else name[:100] + "…")


def test_a_parameter_deep_inside_is_named_with_brackets():
    assert refused(body(lines=[{"amount": 1}, {"amount": 0}])).param == "lines[1][amount]"
    assert refused(body(lines=[{"amount": 1, "fee": 1}])).param == "lines[0][fee]"
    assert refused(body(lines=[{}])).param == "lines[0][amount]"
    assert refused("amount=1&currency=eur&lines[0][amount]=x", decode.FORM).param == "lines[0][amount]"


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ({"order": "x" * 501}, "metadata[order]"),
        ({"ok": "fine", "bad": 5}, "metadata[bad]"),
        ({"ok": "fine", "nested": {"a": "b"}}, "metadata[nested]"),
        ({"k" * 41: "x"}, f"metadata[{'k' * 41}]"),
        ({"": "x"}, "metadata[]"),
        ({f"k{n}": "x" for n in range(51)}, "metadata"),
        ([], "metadata"),
        ("x", "metadata"),
    ],
)
def test_metadata_that_breaks_a_limit_is_refused_by_name(metadata, param):
    assert refused(body(metadata=metadata)).param == param


@pytest.mark.parametrize("key", ["__proto__", "$where", "constructor", "order.id", "a b", "ключ"])
def test_odd_metadata_keys_are_only_text(key):
    assert order(body(metadata={key: "1"})).metadata == {key: "1"}


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\u202eevil", "zero\u200bwidth", "\ufeff", "\x1b[31m"])
def test_characters_that_no_honest_text_needs_are_refused_by_name(text):
    assert refused(body(description=text)).param == "description"
    assert refused(body(metadata={"a": text})).param == "metadata[a]"
    assert refused(body(metadata={text: "a"})).param.startswith("metadata[")


@pytest.mark.parametrize("text", ["Zoë", "日本語", "👩‍👩‍👧", "می‌خواهم", "line\nline\ttab", "שלום"])
def test_text_in_any_script_is_kept(text):
    assert order(body(description=text)).description == text
    assert order(json.dumps({"amount": 1, "currency": "eur", "description": text}, ensure_ascii=False)).description == text


@pytest.mark.parametrize(
    "raw", [b'{"amount": 1, "currency": "eur", "description": "\xff"}', b"\xff\xfe{\x00}\x00", b'{"description": "\xed\xa0\x80"}']
)
def test_invalid_utf8_is_refused(raw):
    assert refused(raw).code == "body_invalid"


def test_a_control_character_in_a_form_is_refused_however_it_is_written():
    for written in ("%01", "\x01"):
        assert refused(f"amount=1&currency=eur&description=a{written}b", decode.FORM).param == "description"


@pytest.mark.parametrize("written", ["4242\\/4242\\/4242\\/4242", "4242\\t4242\\t4242\\t4242", "4242\\u003424242424242"])
def test_a_card_number_behind_escapes_of_json_is_refused(written):
    raw = '{"amount": 1, "currency": "eur", "description": "' + written + '"}'
    assert isinstance(refused(raw), CardDataNotAccepted)


@pytest.mark.parametrize("written", ["4242+4242%204242-4242", "%34242424242424242", "4242%C2%A04242%C2%A04242%C2%A04242"])
def test_a_card_number_behind_escapes_of_a_form_is_refused(written):
    assert isinstance(refused(f"amount=1&currency=eur&description={written}", decode.FORM), CardDataNotAccepted)


def test_nul_and_invalid_utf8_in_a_form_are_refused():
    assert refused("amount=1&currency=eur&description=a%00b", decode.FORM).param == "description"
    assert refused("amount=1&currency=eur&description=%ff", decode.FORM).code == "body_invalid"
    assert refused("amount=1&currency=eur&description=%ed%a0%80", decode.FORM).code == "body_invalid"


@pytest.mark.parametrize(
    "raw", ["[" * 100_000, '{"a":' * 50_000, '{"metadata":' + "[" * 21 + "]" * 21 + "}", '{"a":' * 25 + "1" + "}" * 25]
)
def test_nesting_beyond_twenty_is_refused_without_a_recursion_error(raw):
    with pytest.raises(BodyInvalid):
        order(raw)


def test_brackets_inside_a_text_are_no_nesting():
    assert order(body(description='[[{{"' * 50)).description == '[[{{"' * 50


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "application/xml",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16",
        "json",
    ],
)
def test_other_content_types_and_charsets_are_refused(content_type):
    with pytest.raises(ContentTypeUnsupported):
        order(body(), content_type)


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_in_utf8_is_taken_however_it_is_announced(content_type):
    assert order(body(), content_type).amount == 1050


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "4242 4242 4242 4242"},
        {"metadata": {"note": "4242-4242-4242-4242"}},
        {"metadata": {"4242424242424242": "x"}},
        {"metadata": {"cvc": "123"}},
        {"card": {"number": "x"}},
        {"cvv": "123"},
        {"amount": 4242424242424242},
        {"description": "\uff14\uff12\uff14\uff12" * 4},
    ],
)
def test_card_data_anywhere_is_refused_and_not_repeated(changes):
    error = refused(body(**changes))
    assert isinstance(error, CardDataNotAccepted)
    assert error.param is not None
    assert "4242" not in error.text + error.param


@pytest.mark.parametrize(
    "text", ["description=4242+4242+4242+4242", "card[number]=1", "metadata%5Bcvc%5D=1", "description=%34242424242424242"]
)
def test_card_data_in_a_form_is_refused(text):
    assert refused(f"amount=1&currency=eur&{text}", decode.FORM).code == "card_data_not_accepted"


def test_parameters_in_the_url_beside_a_body_are_refused():
    with pytest.raises(ParameterUnknown):
        decode.decode(decode.JSON, body().encode(), "livemode=true", Order)


def test_a_query_string_is_decoded_like_a_form():
    params = decode.decode("", b"", "limit=5&created[gte]=10&expand[]=customer", ListParams)
    assert (params.limit, params.created.gte, params.expand) == (5, 10, ["customer"])


@pytest.mark.parametrize("limit", ["-1", "0", "101", "1000000000", "ten", "1.5"])
def test_a_limit_out_of_range_is_refused_by_name(limit):
    with pytest.raises(FlorinError) as error:
        decode.decode("", b"", f"limit={limit}", ListParams)
    assert error.value.param == "limit"


def is_taken_or_refused(raw: bytes | str, content_type: str) -> bool:
    """Whether nothing but a 4xx of ours was raised."""
    try:
        order(raw, content_type)
    except FlorinError as error:
        return 400 <= error.status < 500
    return True


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_json_is_sent_is_decoded_or_refused_with_a_4xx(document):
    assert is_taken_or_refused(json.dumps(document), decode.JSON)


@given(st.binary(max_size=200), st.sampled_from([decode.JSON, decode.FORM]))
def test_whatever_bytes_are_sent_are_decoded_or_refused_with_a_4xx(raw, content_type):
    assert is_taken_or_refused(raw, content_type)
