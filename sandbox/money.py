"""Minor units and the major units that files and pages show. Integers only: no float touches an amount."""

from decimal import Decimal

_EXPONENTS = {
    **dict.fromkeys(("bif", "clp", "djf", "gnf", "isk", "jpy", "kmf", "krw", "pyg", "rwf"), 0),
    **dict.fromkeys(("ugx", "uyi", "vnd", "vuv", "xaf", "xof", "xpf"), 0),
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"), 3),
    **dict.fromkeys(("clf", "uyw"), 4),
}


def exponent(currency: str) -> int:
    """Digits after the dot in major units; 2 for any currency not listed by ISO 4217 otherwise."""
    return _EXPONENTS.get(currency, 2)


def major(minor: int, currency: str) -> str:
    """`minor` as a plain decimal in major units: (-5, "eur") is "-0.05", (7, "jpy") is "7"."""
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"
