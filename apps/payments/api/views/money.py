"""Transfers, the balance and its transactions."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core.api.openapi import ListOf, describe
from apps.core.flow import run
from apps.core.ids import decode
from apps.payments import flows
from apps.payments.api.views.base import View, joined_row
from apps.payments.domain import requests, rows
from apps.payments.models import BalanceTransaction, Transfer
from apps.payments.renderers import objects, shapes


class _Transfers(View):
    scope = {"GET": "transfers:read", "POST": "transfers:write"}
    model = Transfer

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        paid = joined_row(rows.BalanceTransaction, record, expand, "balance_transaction", "balance_transaction")
        return objects.transfer(rows.of(rows.Transfer, record), transaction=paid)


class Transfers(_Transfers):
    @describe("List transfers", request=requests.ListTransfers, response=ListOf(shapes.Transfer), tag="Transfers")
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListTransfers, self._narrowed)

    def _narrowed(self, found: Any, params: requests.ListTransfers) -> Any:
        if params.destination is not None:
            found = found.filter(destination_id=decode("acct", params.destination, "destination"))
        return found if params.transfer_group is None else found.filter(transfer_group=params.transfer_group)

    @describe(
        "Create a transfer",
        request=requests.CreateTransfer,
        response=shapes.Transfer,
        description="To another merchant of the platform: out of the caller's available balance, into the other's, at once.",
        tag="Transfers",
        errors=(409, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body(requests.CreateTransfer)
        return self.write(flows.create_transfer(self.caller, self.key(body), body))


class OneTransfer(_Transfers):
    @describe("Retrieve a transfer", request=requests.Retrieve, response=shapes.Transfer, tag="Transfers")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)


class Balance(View):
    scope = {"GET": "balance:read"}

    @describe("Retrieve the balance", request=requests.Nothing, response=shapes.Balance, tag="Balance")
    def get(self, request: Request) -> HttpResponse:
        self.params(requests.Nothing)
        return self.shown(run(flows.retrieve_balance(self.caller)))


class _BalanceTransactions(View):
    scope = {"GET": "balance:read"}
    model = BalanceTransaction

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        return objects.balance_transaction(rows.of(rows.BalanceTransaction, record))


class BalanceTransactions(_BalanceTransactions):
    @describe(
        "List balance transactions", request=requests.ListBalanceTransactions, response=ListOf(shapes.BalanceTransaction), tag="Balance"
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListBalanceTransactions, self._narrowed)

    def _narrowed(self, found: Any, params: requests.ListBalanceTransactions) -> Any:
        wanted = {name: getattr(params, name) for name in ("type", "source", "currency")}
        return found.filter(**{name: value for name, value in wanted.items() if value is not None})


class OneBalanceTransaction(_BalanceTransactions):
    @describe("Retrieve a balance transaction", request=requests.Retrieve, response=shapes.BalanceTransaction, tag="Balance")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)
