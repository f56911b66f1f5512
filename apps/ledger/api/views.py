"""Ledger reads over HTTP. A merchant sees its own accounts and its own lines."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core import ids
from apps.core.api import lists
from apps.core.api.openapi import ListOf, describe
from apps.core.errors import NotFound
from apps.ledger import selectors
from apps.ledger.api import shapes
from apps.ledger.api.shapes import LedgerAccount, LedgerEntry, ListLedgerAccounts, ListLedgerEntries, NoParams
from apps.merchants.api.views_base import FlorinView


class LedgerView(FlorinView):
    scope = {"GET": "ledger:read"}

    def accounts(self) -> list[dict[str, Any]]:
        """The caller's accounts, newest first."""
        rows = selectors.merchant_accounts(self.caller.merchant_id, livemode=self.caller.livemode)
        return sorted(rows, key=lambda row: row["id"], reverse=True)

    def account(self, text: str, param: str) -> dict[str, Any]:
        """The caller's account with that id.  Raises: InvalidId, NotFound."""
        wanted: UUID = ids.decode("acc", text, param=param)
        for row in self.accounts():
            if row["id"] == wanted:
                return row
        raise NotFound(kind="ledger.account", id=text, param=param)


class LedgerAccounts(LedgerView):
    @describe("List ledger accounts", request=ListLedgerAccounts, response=ListOf(LedgerAccount), tag="Ledger")
    def get(self, request: Request) -> HttpResponse:
        params = self.params(ListLedgerAccounts)
        at = lists.keyset(params.page, prefix="acc")
        cursor = lists.cursor_of(params.page, prefix="acc")
        rows = [row for row in self.accounts() if params.currency in (None, row["currency"])]
        if cursor is not None:
            rows = [row for row in rows if (row["id"] > cursor if at.backwards else row["id"] < cursor)]
        if at.backwards:
            rows.reverse()
        return self.shown(lists.page(rows[: at.fetch], at, "/v1/ledger/accounts", shapes.render_account))


class OneLedgerAccount(LedgerView):
    @describe("Retrieve a ledger account", response=LedgerAccount, tag="Ledger")
    def get(self, request: Request, id: str) -> HttpResponse:
        self.params(NoParams)
        return self.shown(shapes.render_account(self.account(id, "id")))


class LedgerEntries(LedgerView):
    @describe("List ledger entries", request=ListLedgerEntries, response=ListOf(LedgerEntry), tag="Ledger")
    def get(self, request: Request) -> HttpResponse:
        params = self.params(ListLedgerEntries)
        at = lists.keyset(params.page, prefix="ent")
        accounts = self.accounts() if params.account is None else [self.account(params.account, "account")]
        page = selectors.Page(fetch=at.fetch, cursor=lists.cursor_of(params.page, prefix="ent"), backwards=at.backwards)
        rows = selectors.merchant_entries([row["id"] for row in accounts], page)
        return self.shown(lists.page(rows, at, "/v1/ledger/entries", shapes.render_entry))
