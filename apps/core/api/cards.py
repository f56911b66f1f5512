"""Finds card numbers and security codes, so that a request holding one is refused before anything of
it is stored or logged.

A candidate is a run of 13 to 19 digits, or groups of digits that make such a run in one of the ways
in which people write card numbers (4242 4242 4242 4242, 3782-822463-10005). It is a card number when
an issuer uses its prefix at its length and its Luhn digit is right. TypeIDs and UUIDs are taken out
first: their digits are random and no card number.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Between two groups of digits: blanks and dashes of every script, dots, slashes, and invisible characters.
_GAP = r"[\s\-._/\u00a0\u00ad\u200b-\u200f\u2010-\u2015\u202f\u2060\u2212\u3000\ufeff\uff0d]{1,3}"
_MAYBE = re.compile(rf"\d(?:(?:{_GAP})?\d){{12}}")
_THIRTEEN = b"0" * 13
_ASCII_GAPS = b" \t\n\v\f\r\x1c\x1d\x1e\x1f-._/"
_ALL_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_RUN = re.compile(rf"\d(?:(?:{_GAP})?\d){{12,}}")
_GROUP = re.compile(r"\d+")
_IDS = re.compile(
    r"(?<![0-9a-zA-Z])[a-z]{2,10}_[0-7][0-9a-hjkmnp-tv-z]{25}(?![0-9a-zA-Z])"
    r"|(?<![0-9a-fA-F])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])"
)

# Prefixes by number of digits in the prefix, with the lengths at which the issuers use them.
_ISSUERS: tuple[tuple[int, int, int, frozenset[int]], ...] = (
    (1, 4, 4, frozenset({13, 16, 19})),  # Visa
    (2, 51, 55, frozenset({16})),  # Mastercard
    (4, 2221, 2720, frozenset({16})),  # Mastercard
    (2, 34, 34, frozenset({15})),  # American Express
    (2, 37, 37, frozenset({15})),  # American Express
    (4, 6011, 6011, frozenset({16, 19})),  # Discover
    (3, 644, 649, frozenset({16, 19})),  # Discover
    (2, 65, 65, frozenset({16, 19})),  # Discover, RuPay
    (3, 300, 305, frozenset({14, 16})),  # Diners Club
    (2, 36, 36, frozenset({14, 16})),  # Diners Club
    (2, 38, 39, frozenset({14, 16})),  # Diners Club
    (4, 3528, 3589, frozenset({16, 19})),  # JCB
    (2, 62, 62, frozenset({16, 17, 18, 19})),  # UnionPay
    (4, 5018, 5018, frozenset({13, 15, 16, 18, 19})),  # Maestro
    (4, 5020, 5020, frozenset({13, 15, 16, 18, 19})),
    (4, 5038, 5038, frozenset({13, 15, 16, 18, 19})),
    (4, 5893, 5893, frozenset({13, 15, 16, 18, 19})),
    (4, 6304, 6304, frozenset({13, 15, 16, 18, 19})),
    (4, 6759, 6763, frozenset({13, 15, 16, 18, 19})),
    (4, 2200, 2204, frozenset({16})),  # Mir
    (4, 9792, 9792, frozenset({16})),  # Troy
)
# How a card number is written in groups, beside equal groups of up to four.
_LAYOUTS = frozenset({(4, 6, 5), (4, 6, 4), (4, 3, 3, 3), (6, 13), (8, 8), (6, 10), (6, 9), (4, 12), (12, 4)})

_CODE_NAME = re.compile(r"(?:card)?(?:cvc|cvv|csc|cvn|securitycode|verification(?:value|code))2?\Z")
_NUMBER_NAME = re.compile(r"(?:card|cc|creditcard|debitcard)(?:no|num|number)\Z|primaryaccountnumber\Z")
_CARD_PARENT = re.compile(r"(?:card|creditcard|debitcard|source|paymentmethoddata)\Z")
_WRITTEN_CODE = re.compile(r"(?<![a-z0-9_])(?:cvc|cvv|csc|cvn)2?\W{0,3}\d{3,4}(?![a-z0-9])", re.IGNORECASE)
_CODE_WORDS = ("cvc", "cvv", "csc", "cvn")
# One of these is in every name that `names_card_data` knows, whatever its dashes.
_NAME_WORDS = (*_CODE_WORDS, "secur", "verif", "primary", "num", "card_no", "card-no", "cardno", "cc_no", "cc-no", "ccno")


def suspicious(text: str) -> bool:
    """Whether `text` may hold card data and must be looked at closely. False is final, for text
    whose characters stand for themselves."""
    return _may_hold_number(text) or any(map(text.lower().__contains__, _NAME_WORDS))


def _may_hold_number(text: str) -> bool:
    """Looking for thirteen digits in a row, gaps left out, is ten times faster than the search, and mostly enough."""
    if len(text) < 13 or (text.isascii() and _THIRTEEN not in text.encode().translate(_ALL_DIGITS_ALIKE, _ASCII_GAPS)):
        return False
    return _MAYBE.search(text) is not None


def holds_card_data(text: str) -> bool:
    """Whether a card number, or a security code with its name, is written in `text`."""
    lowered = text.lower()
    if "cv" not in lowered and "csc" not in lowered and not _may_hold_number(text):
        return False
    text = _IDS.sub("·", text)
    return _WRITTEN_CODE.search(text) is not None or any(_is_card(candidate) for candidate in _candidates(text))


def names_card_data(name: str, parent: str = "") -> bool:
    """Whether a parameter called `name` inside `parent` can only be meant for card data."""
    name, parent = _bare(name), _bare(parent)
    if _CODE_NAME.match(name) or _NUMBER_NAME.match(name):
        return True
    return name == "number" and _CARD_PARENT.match(parent) is not None


def where(document: Any, path: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """The path to the first card data in a decoded body: in names, texts or numbers. A name that holds
    a card number is left out of the path. None if there is none."""
    if isinstance(document, Mapping):
        return next((found for name, value in document.items() if (found := _in_member(name, value, path)) is not None), None)
    if isinstance(document, list):
        items = (where(item, (*path, str(index))) for index, item in enumerate(document))
        return next((found for found in items if found is not None), None)
    if isinstance(document, str):
        return path if holds_card_data(document) else None
    written = isinstance(document, int) and abs(document) >= 10**12 and holds_card_data(str(document))
    return path if written else None


def _in_member(name: str, value: Any, path: tuple[str, ...]) -> tuple[str, ...] | None:
    if holds_card_data(name):
        return path
    inside = (*path, name)
    return inside if names_card_data(name, path[-1] if path else "") else where(value, inside)


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _candidates(text: str) -> Iterator[str]:
    """Every string of 13 to 19 ASCII digits that a person may have meant as one number."""
    for run in _RUN.finditer(text):
        groups = ["".join(str(int(digit)) for digit in group) for group in _GROUP.findall(run.group())]
        for first in range(len(groups)):
            for last in range(first, len(groups)):
                part = groups[first : last + 1]
                length = sum(map(len, part))
                if length > 19:
                    break
                if length >= 13 and _is_layout(tuple(map(len, part))):
                    yield "".join(part)


def _is_layout(sizes: tuple[int, ...]) -> bool:
    if len(sizes) == 1 or sizes in _LAYOUTS:
        return True
    return max(sizes) <= 4 and len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]


def _is_card(digits: str) -> bool:
    return _has_issuer(digits) and _luhn(digits)


def _has_issuer(digits: str) -> bool:
    return any(low <= int(digits[:size]) <= high and len(digits) in lengths for size, low, high, lengths in _ISSUERS)


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
