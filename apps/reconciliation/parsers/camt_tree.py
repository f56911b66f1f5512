"""Reading small pieces of a camt tree. Elements are looked at by their local names; `cut` is the length of the
namespace with its braces, which every tag of the document begins with."""

from datetime import date
from typing import Any, Final

from apps.reconciliation.domain import currency_code, iso_date, minor_units, shown
from apps.reconciliation.errors import BadLine

Parts = dict[str, Any]
_SIGNS: Final = {"CRDT": 1, "DBIT": -1}


def parts(element: Any, cut: int) -> Parts:
    """Local name → child; of several children of one name, the last."""
    return {child.tag[cut:]: child for child in element} if element is not None else {}


def text(element: Any) -> str:
    """The text of a leaf, '' where it is absent."""
    return (element.text or "").strip() if element is not None else ""


def text_at(element: Any, cut: int, *names: str) -> str:
    """The text of the leaf at the path `names` below `element`, '' where it is absent."""
    for name in names:
        element = parts(element, cut).get(name)
    return text(element)


def day(element: Any) -> date | None:
    """The day of the Dt or DtTm inside `element`, as the bank wrote it: its own zone's."""
    if element is None:
        return None
    line = element.sourceline or 0
    if not len(element):
        raise BadLine("a date holds neither Dt nor DtTm.", line=line)
    return iso_date(text(element[0])[:10], line=line)


def signed(amount: Any, indicator: Any, *, line: int) -> tuple[int, str]:
    """(signed minor units, currency) of an Amt and its CdtDbtInd, of which neither may be absent."""
    if amount is None:
        raise BadLine("Amt is absent.", line=line)
    sign = _SIGNS.get(text(indicator))
    if sign is None:
        raise BadLine(f"CdtDbtInd is {shown(text(indicator))}, not CRDT or DBIT.", line=line)
    currency = currency_code(amount.get("Ccy") or "", line=line)
    minor = minor_units(text(amount), currency, line=line)
    if minor < 0:
        raise BadLine(f"Amt {text(amount)} has a sign; CdtDbtInd gives the sign.", line=line)
    return sign * minor, currency
