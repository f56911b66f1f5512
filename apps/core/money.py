"""Money is an integer count of minor units and a currency. No float ever touches it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from babel.numbers import format_currency

# Digits after the point where they are not 2 (ISO 4217, list one, 2026).
_EXPONENTS = {
    "bif": 0, "clp": 0, "djf": 0, "gnf": 0, "isk": 0, "jpy": 0, "kmf": 0, "krw": 0, "pyg": 0, "rwf": 0,
    "ugx": 0, "vnd": 0, "vuv": 0, "xaf": 0, "xof": 0, "xpf": 0,
    "bhd": 3, "iqd": 3, "jod": 3, "kwd": 3, "lyd": 3, "omr": 3, "tnd": 3,
}  # fmt: skip

# Active currencies that Florin settles in, lower case (ISO 4217).
_ACTIVE = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd cad
    cdf chf clp cny cop crc cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gnf gtq
    gyd hkd hnl htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp lkr
    lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen
    pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sos srd ssp stn svc syp szl thb
    tjs tmt tnd top try ttd twd tzs uah ugx usd uyu uzs ves vnd vuv wst xaf xcd xof xpf yer zar zmw
"""
CURRENCIES = frozenset(_ACTIVE.split())


class MoneyError(ValueError):
    """An amount or currency that cannot be used."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units of `currency` (lower-case ISO 4217)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MoneyError(f"an amount is an int of minor units, not {type(self.minor).__name__}")
        if self.currency not in CURRENCIES:
            raise MoneyError(f"unknown currency {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        return f"{to_major(self.minor, self.currency)} {self.currency.upper()}"

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not mix")
        return other


def exponent(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def to_major(minor: int, currency: str) -> Decimal:
    """1050 EUR-cents as Decimal('10.50')."""
    return Decimal(minor).scaleb(-exponent(currency))


def from_major(text: str | Decimal, currency: str) -> int:
    """'10.50' EUR as 1050. Raises MoneyError for anything that is not a whole count of minor units."""
    try:
        minor = Decimal(text).scaleb(exponent(currency))
    except InvalidOperation:
        raise MoneyError(f"{text!r} is not an amount") from None
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise MoneyError(f"{text!r} has more digits than {currency.upper()} allows")
    return int(minor)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Splits `total` in proportion to `weights` (none negative, some positive) by largest remainder:
    the parts sum to `total` exactly; ties go to the earlier part."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise MoneyError("weights must not be negative and not all zero")
    sign = -1 if total < 0 else 1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda i: -shares[i][1])
    for index in by_remainder[: abs(total) - sum(parts)]:
        parts[index] += 1
    return [sign * part for part in parts]


def percent_half_even(minor: int, basis_points: int) -> int:
    """`basis_points`/10,000 of `minor`, rounded half to even: the one rounding rule for fees."""
    exact = Decimal(minor * basis_points) / Decimal(10_000)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def format_money(minor: int, currency: str, locale: str = "en") -> str:
    """For people: '€10.50', 'KWD 1.050', by CLDR, always with the currency's own number of digits."""
    text: str = format_currency(to_major(minor, currency), currency.upper(), locale=locale, currency_digits=True)
    # CLDR puts a space between a letter and a digit (alphaNextToNumber), which Babel leaves out.
    return re.sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", text)
