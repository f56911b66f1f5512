"""Reading amounts, dates, currencies and references strictly."""

import re
from datetime import date
from typing import Final
from uuid import UUID

from apps.core.errors import InvalidId
from apps.core.ids import decode
from apps.core.money import CURRENCIES, exponent
from apps.reconciliation.errors import BadLine

_NUMBER = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,9}))?")
# Exactly the currency's digits, by how many those are.
_EXACT: Final = [re.compile(r"-?[0-9]{1,15}" + (rf"\.[0-9]{{{n}}}" if n else "")) for n in range(5)]
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_REFERENCE = re.compile(r"[^A-Z0-9]+")
_CURRENCY_DIGITS: Final = {currency: exponent(currency) for currency in CURRENCIES}
_UNSAFE_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def minor_units(text: str, currency: str, *, line: int, exact: bool = False) -> int:
    """The plain decimal `text` of major units as minor units: no exponent, grouping or plus sign, and no digit
    below the currency's last. `exact` asks for all of the currency's digits, so that a cut number is noticed."""
    digits = _CURRENCY_DIGITS.get(currency, 0)
    if _EXACT[digits].fullmatch(text) and currency in _CURRENCY_DIGITS:
        return int(text.replace(".", ""))
    found = _NUMBER.fullmatch(text)
    if currency not in _CURRENCY_DIGITS:
        raise BadLine(f"{shown(currency.upper())} is not a currency that is settled in.", line=line)
    if found is None:
        raise BadLine(f"{shown(text)} is not a plain decimal amount.", line=line)
    if exact:
        raise BadLine(f"{shown(text)} must have {digits} digits after the point in {currency.upper()}.", line=line)
    sign, whole, fraction = found.group(1), found.group(2), found.group(3) or ""
    if fraction[digits:].strip("0"):
        raise BadLine(f"{shown(text)} has more digits than {currency.upper()} allows.", line=line)
    minor = int(whole + fraction[:digits].ljust(digits, "0"))
    return -minor if sign else minor


def iso_date(text: str, *, line: int) -> date:
    """`YYYY-MM-DD` and nothing else."""
    if _DATE.fullmatch(text) is not None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise BadLine(f"{shown(text)} is not a date (YYYY-MM-DD).", line=line)


def currency_code(text: str, *, line: int) -> str:
    """The upper-case ISO 4217 code `text`, as Florin writes it."""
    code = text.lower()
    if text != text.upper() or code not in CURRENCIES:
        raise BadLine(f"{shown(text)} is not a currency that is settled in.", line=line)
    return code


def shown(text: str, limit: int = 40) -> str:
    """`text` as it may stand in a message: quoted, cut, control characters escaped."""
    return repr(text if len(text) <= limit else text[:limit] + "…")


def normal_reference(text: str) -> str:
    """What two spellings of one reference have in common: letters and digits, upper case."""
    return _NOT_REFERENCE.sub("", text.upper())


def attempt_of(reference: str) -> UUID | None:
    """The attempt that the reference names, None where it cannot be one of ours."""
    try:
        return decode("att", reference.strip().lower())
    except InvalidId:
        return None


def clean_name(name: str) -> str:
    """A file's name as it may be shown and kept: without its path, controls and invisible marks, at most 255 long."""
    bare = _UNSAFE_IN_NAMES.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).strip()
    return bare[:255] or "unnamed"
