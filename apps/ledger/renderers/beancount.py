"""A file for beancount (https://beancount.github.io/docs/beancount_language_syntax.html)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.core.ids import encode
from apps.core.money import to_major

_ROOTS = {"asset": "Assets", "liability": "Liabilities", "equity": "Equity", "revenue": "Income", "expense": "Expenses"}
_OPENED = "2000-01-01"


def render(accounts: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every account is opened on the ledger's first possible day, then the entries."""
    currencies: dict[str, set[str]] = {}
    for account in accounts:
        currencies.setdefault(account_name(account), set()).add(account["currency"].upper())
    for name in sorted(currencies):
        yield f"{_OPENED} open {name} {','.join(sorted(currencies[name]))}\n"
    for entry in entries:
        yield "\n" + transaction(entry)


def transaction(entry: Mapping[str, Any]) -> str:
    lines = [f"{entry['booked_on']} * {quoted(entry['kind'])} {quoted(entry['source'])}", f"  id: {quoted(encode('ent', entry['id']))}"]
    for line in entry["postings"]:
        lines.append(f"  {account_name(line)}  {to_major(line['amount'], line['currency']):f} {line['currency'].upper()}")
    return "\n".join(lines) + "\n"


def account_name(account: Mapping[str, Any]) -> str:
    """`Liabilities:Acct-01h…:Pending` for the code `acct_01h…:pending:eur`. Beancount allows letters,
    digits and dashes, and wants a capital or a digit first: `_` becomes `-`, and `.` a level."""
    scope, name, _ = account["code"].split(":")
    parts = [scope, *name.split(".")]
    return ":".join([_ROOTS[account["kind"]], *(_component(part) for part in parts)])


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _component(part: str) -> str:
    text = part.replace("_", "-").lstrip("-") or "0"
    return text[0].upper() + text[1:]
