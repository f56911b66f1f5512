"""Account codes, commands and refusals on paper."""

from uuid import UUID, uuid4

import pytest

from apps.core import ids
from apps.core.errors import catalogue
from apps.ledger import errors
from apps.ledger.domain import AccountCode, credit, debit, entry, merchant_account, mirror, parse_code, platform_account

MERCHANT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def test_a_code_says_whose_account_it_is_and_in_which_mode() -> None:
    assert merchant_account(MERCHANT, True, "available", "eur") == "acct_01h455vb4pex5vsknk084sn02q:available:eur"
    assert merchant_account(MERCHANT, False, "available", "eur") == "acct_01h455vb4pex5vsknk084sn02q-test:available:eur"
    assert platform_account(False, "gateway_receivable.sandbox", "usd") == "platform-test:gateway_receivable.sandbox:usd"


@pytest.mark.parametrize("livemode", [True, False])
def test_a_code_is_read_as_it_was_written(livemode: bool) -> None:
    assert parse_code(merchant_account(MERCHANT, livemode, "reserve", "jpy")) == AccountCode(MERCHANT, livemode, "reserve", "jpy")
    assert parse_code(platform_account(livemode, "bank.4711", "eur")) == AccountCode(None, livemode, "bank.4711", "eur")


@pytest.mark.parametrize(
    "code", ["", "fees", "platform:fees", "platform:fees:EUR", "acct_1:available:eur", "platform:Fees:eur", "x:fees:eur"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="is not an account code"):
        parse_code(code)


def test_a_command_is_built_from_debits_and_credits() -> None:
    command = entry(
        debit("platform:fees:eur", 5), credit("platform:trading:eur", 5), kind="k", source="s", livemode=True, metadata={"a": "b"}
    )
    assert command["postings"] == [{"account": "platform:fees:eur", "amount": 5}, {"account": "platform:trading:eur", "amount": -5}]
    assert (command["kind"], command["source"], command["livemode"], command["metadata"]) == ("k", "s", True, {"a": "b"})


@pytest.mark.parametrize("amount", [0, 1.0, True, "5"])
def test_an_amount_is_a_whole_count_of_minor_units(amount: object) -> None:
    with pytest.raises(ValueError, match="whole count"):
        debit("platform:fees:eur", amount)  # type: ignore[arg-type]


def test_a_mirror_undoes_line_by_line() -> None:
    assert mirror([("a", 5), ("b", -5)]) == [{"account": "a", "amount": -5}, {"account": "b", "amount": 5}]


OUTCOMES = {
    "insufficient_funds": (errors.InsufficientFunds, "balance_insufficient"),
    "period_closed": (errors.PeriodClosed, "period_closed"),
    "already_posted": (errors.AlreadyPosted, "already_posted"),
    "already_reversed": (errors.AlreadyReversed, "already_reversed"),
    "unbalanced": (errors.Unbalanced, "entry_unbalanced"),
    "hold_not_open": (errors.HoldNotOpen, "hold_not_open"),
    "unknown_account": (errors.UnknownAccount, "ledger_account_unknown"),
    "account_mode_mismatch": (errors.AccountMismatch, "ledger_account_mismatch"),
    "invalid_amount": (errors.PostingRefused, "posting_refused"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_refusal_is_an_error_of_the_catalogue(outcome: str) -> None:
    refused = errors.refusal({"error": outcome, "account": "platform:fees:eur", "month": "2026-03", "entry_id": str(uuid4())})
    assert (type(refused), refused.code, refused.status) == (*OUTCOMES[outcome], 400)
    assert type(refused) in catalogue()
    assert ids.encode("ent", UUID(int=0))[:4] == "ent_"
