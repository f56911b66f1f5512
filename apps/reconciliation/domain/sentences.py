"""Facts as sentences: why lines were matched, and why others were not."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from apps.core.ids import encode
from apps.core.money import format_money

Facts = Mapping[str, Any]


def explain_match(stage: str, facts: Facts, *, amount: int, currency: str) -> str:
    """Why a group belongs together. `amount` in signed minor units."""
    money = format_money(amount, currency)
    reference = facts["reference"][0]
    if stage == "payout_total":
        return f"The bank line in line {facts['line']} names payout {reference}, and its {money} is what the payout's lines add up to."
    fee = format_money(facts["fee"], currency)
    return (
        f"Line {facts['line']} and our {facts['kind'][1]} have the same reference {reference} and the same amount of {money}; "
        f"no other line claims it. The gateway kept {fee}."
    )


def explain_break(type_: str, facts: Facts, *, amount: int, currency: str) -> str:
    """Why a thing is not explained. `amount` in signed minor units."""
    return _SENTENCES[type_](facts, format_money(amount, currency))


def _missing_in_ledger(facts: Facts, money: str) -> str:
    if facts.get("why") == "not_moved":
        return (
            f"The file has a {facts['kind']} of {money} for {_attempt(facts)}, but with us that "
            f"{facts['attempt_kind']} is {facts['attempt_state']} and moved no money."
        )
    return f"The file has a {facts['kind']} of {money} under a reference that is not one of ours."


def _missing_in_file(facts: Facts, money: str) -> str:
    return f"Our {facts['kind']} of {money} is in no settlement file after {facts['overdue_days']} days."


def _amount_differs(facts: Facts, money: str) -> str:
    ours = format_money(facts["ours_amount"], facts["ours_currency"])
    if "payout" in facts:
        return f"The bank booked {money}, but the lines of the payout it names add up to {ours}."
    return f"The file has {money} for {_attempt(facts)}, but our {facts['kind']} is {ours}."


def _duplicate(facts: Facts, money: str) -> str:
    if facts.get("why") == "repeated":
        return f"The line of {money} was imported before, in line {facts['first_line']} of {facts['first_file_name']}; it counts once."
    what = "payout" if "payout" in facts else facts["kind"]
    return f"More than one line claims the same {what} of {money}; which of them is right is for a person to say."


def _payout_without_bank_line(facts: Facts, money: str) -> str:
    return (
        f"{facts['source']} says it paid {money} as {facts['payout']} ({facts['lines']} lines), "
        f"but no bank line has brought it after {facts['overdue_days']} days."
    )


def _bank_line_without_payout(facts: Facts, money: str) -> str:
    if facts.get("why") == "reversal":
        return f"The bank reversed an entry: {money}. Reversals are not matched by themselves."
    if facts.get("why") == "no_reference":
        return f"The bank line of {money} has no reference."
    return f"The bank line of {money} names no payout that a settlement file has announced."


def _statement_gap(facts: Facts, money: str) -> str:
    return (
        f"Statement {facts['statement']} of {facts['account']} does not open with what {facts['before']} closed with: "
        f"{money} lie between them. A statement may be missing."
    )


def _posting_refused(facts: Facts, money: str) -> str:
    return f"The line of {money} could be matched, but the ledger refused the posting: {facts.get('refused', 'unknown')}."


def _attempt(facts: Facts) -> str:
    return encode("att", UUID(facts["attempt"]))


_SENTENCES: Final[Mapping[str, Callable[[Facts, str], str]]] = {
    "missing_in_ledger": _missing_in_ledger,
    "missing_in_file": _missing_in_file,
    "amount_differs": _amount_differs,
    "duplicate": _duplicate,
    "payout_without_bank_line": _payout_without_bank_line,
    "bank_line_without_payout": _bank_line_without_payout,
    "statement_gap": _statement_gap,
    "posting_refused": _posting_refused,
}
