"""A journal for hledger and ledger (https://hledger.org/hledger.html#journal)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.core.ids import encode
from apps.core.money import exponent, to_major

_ROOTS = {"asset": "assets", "liability": "liabilities", "equity": "equity", "revenue": "revenues", "expense": "expenses"}
_TYPES = {"asset": "A", "liability": "L", "equity": "E", "revenue": "R", "expense": "X"}


def render(accounts: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Declarations of all commodities and accounts, then the entries."""
    known = list(accounts)
    for currency in sorted({account["currency"] for account in known}):
        yield f"commodity {amount(1000 * 10 ** exponent(currency), currency)}\n"
    for name, kind in sorted({(account_name(account), account["kind"]) for account in known}):
        yield f"account {name}  ; type: {_TYPES[kind]}\n"
    for entry in entries:
        yield "\n" + transaction(entry)


def transaction(entry: Mapping[str, Any]) -> str:
    """One entry; two spaces part an account from its amount."""
    lines = [f"{entry['booked_on']} * {entry['kind']} {entry['source']}  ; id: {encode('ent', entry['id'])}"]
    lines += [f"    {account_name(line)}  {amount(line['amount'], line['currency'])}" for line in entry["postings"]]
    return "\n".join(lines) + "\n"


def account_name(account: Mapping[str, Any]) -> str:
    """`liabilities:acct_01h…:pending` for the code `acct_01h…:pending:eur`: the commodity says the currency."""
    scope, name, _ = account["code"].split(":")
    return f"{_ROOTS[account['kind']]}:{scope}:{name}"


def amount(minor: int, currency: str) -> str:
    """`1050.00 EUR`, with the currency's own number of digits."""
    return f"{to_major(minor, currency):f} {currency.upper()}"
