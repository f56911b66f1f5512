"""Form bodies: brackets in, nested and typed parameters out."""

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.api import forms
from apps.core.api.errors import BodyInvalid, ParameterRepeated
from apps.core.api.types import Amount, CreatedRange, Metadata, Shape
from apps.core.errors import InvalidRequest


class Line(Shape):
    amount: Amount
    name: str = ""


class Order(Shape):
    amount: Amount
    paid: bool = False
    note: str | None = None
    title: str = ""
    lines: list[Line] = []
    tags: list[str] = []
    metadata: Metadata | None = None
    created: int | CreatedRange | None = None
    address: Line | None = None


def typed(text: str):
    return forms.coerced(forms.parse(text), Order)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a[b]=1&a[c][d]=2", {"a": {"b": "1", "c": {"d": "2"}}}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        ("a%5Bb%5D=%E2%82%AC+1", {"a": {"b": "€ 1"}}),
        ("a=b=c", {"a": "b=c"}),
        ("a=", {"a": ""}),
        ("", {}),
    ],
)
def test_brackets_nest(text, document):
    assert forms.parse(text) == document


@pytest.mark.parametrize("text", ["a", "a=1&", "&a=1", "=1", "a=%zz", "a=%", "a=%ff", "a[b=1", "a]b=1", "[a]=1", "a[b]c=1"])
def test_what_is_not_a_form_is_refused(text):
    with pytest.raises(BodyInvalid):
        forms.parse(text)


@pytest.mark.parametrize("text", ["a=1&a=2", "a[b]=1&a[b]=2", "a=1&a[b]=2", "a[b]=1&a=2", "a[]=1&a[b]=2", "a[b]=1&a[]=2"])
def test_a_parameter_that_was_sent_twice_is_refused_by_name(text):
    with pytest.raises(ParameterRepeated) as error:
        forms.parse(text)
    assert error.value.param in {"a", "a[b]", "a[]"}


def test_objects_in_a_list_need_their_index():
    with pytest.raises(InvalidRequest) as error:
        forms.parse("lines[][amount]=1")
    assert error.value.param == "lines[][amount]"


def test_nesting_and_the_number_of_parameters_are_bounded():
    with pytest.raises(BodyInvalid):
        forms.parse("a" + "[b]" * 30 + "=1")
    with pytest.raises(BodyInvalid):
        forms.parse("&".join(f"a{n}=1" for n in range(2_000)))


def test_texts_become_what_the_shape_says():
    assert typed("amount=1050&paid=true&lines[0][amount]=5&lines[1][amount]=6&tags[]=a&created[gte]=7") == {
        "amount": 1050,
        "paid": True,
        "lines": [{"amount": 5}, {"amount": 6}],
        "tags": ["a"],
        "created": {"gte": 7},
    }


@pytest.mark.parametrize("text", ["1e3", "1.0", "+5", " 5", "5 ", "１２", "0x1", "", "1_000", "99999999999999999999"])
def test_an_integer_is_only_digits(text):
    assert forms.coerced({"amount": text}, Order) == {"amount": text}


@pytest.mark.parametrize("text", ["True", "1", "yes", "on", "TRUE"])
def test_a_boolean_is_only_true_or_false(text):
    assert typed(f"paid={text}") == {"paid": text}


def test_an_empty_text_unsets_what_may_be_unset():
    assert typed("note=&title=&metadata=&metadata2=&tags=&address=") == {
        "note": None,
        "title": "",
        "metadata": None,
        "metadata2": "",
        "tags": [],
        "address": None,
    }
    assert typed("metadata[order]=") == {"metadata": {"order": ""}}


def test_a_number_or_a_range_is_told_apart():
    assert typed("created=5") == {"created": 5}
    assert typed("created[lt]=5") == {"created": {"lt": 5}}
    assert typed("created=yesterday") == {"created": "yesterday"}


def test_metadata_keys_that_are_numbers_stay_keys():
    assert typed("metadata[0]=zero&metadata[7]=seven") == {"metadata": {"0": "zero", "7": "seven"}}


def test_a_list_with_a_hole_stays_for_the_strict_conversion_to_refuse():
    assert typed("tags[0]=a&tags[2]=c") == {"tags": {"0": "a", "2": "c"}}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_escaped_is_read_as_it_was(text):
    for escaped in (quote_plus(text), quote(text, safe=""), quote_plus(text, safe="\\/é")):
        assert forms._unquoted(escaped) == text
