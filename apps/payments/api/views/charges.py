"""Charges and refunds."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core.api.openapi import ListOf, describe
from apps.core.ids import decode
from apps.payments import flows, selectors, services
from apps.payments.api.views.base import View, joined_row, path_id
from apps.payments.domain import requests, rows
from apps.payments.models import Charge, Refund
from apps.payments.renderers import objects, shapes


class _Charges(View):
    scope = {"GET": "payments:read"}
    model = Charge

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        return objects.render_charge(
            rows.of(rows.Charge, record),
            customer=joined_row(rows.Customer, record, expand, "customer", "customer"),
            intent=joined_row(rows.Intent, record, expand, "payment_intent", "intent"),
            transaction=joined_row(rows.BalanceTransaction, record, expand, "balance_transaction", "balance_transaction"),
            refunds=[rows.of(rows.Refund, refund) for refund in record.refunds.all()] if "refunds" in expand else None,
        )


class Charges(_Charges):
    @describe("List charges", request=requests.ListCharges, response=ListOf(shapes.Charge), tag="Charges")
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListCharges, self._narrowed)

    def _narrowed(self, found: Any, params: requests.ListCharges) -> Any:
        if params.customer is not None:
            found = found.filter(customer_id=decode("cus", params.customer, "customer"))
        if params.payment_intent is not None:
            found = found.filter(intent_id=decode("pi", params.payment_intent, "payment_intent"))
        return found


class OneCharge(_Charges):
    @describe("Retrieve a charge", request=requests.Retrieve, response=shapes.Charge, tag="Charges")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)


class _Refunds(View):
    scope = {"GET": "refunds:read", "POST": "refunds:write"}
    model = Refund

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        return objects.refund(
            rows.of(rows.Refund, record),
            charge=joined_row(rows.Charge, record, expand, "charge", "charge"),
            intent=joined_row(rows.Intent, record, expand, "payment_intent", "intent"),
            transaction=joined_row(rows.BalanceTransaction, record, expand, "balance_transaction", "balance_transaction"),
        )


class Refunds(_Refunds):
    @describe("List refunds", request=requests.ListRefunds, response=ListOf(shapes.Refund), tag="Refunds")
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListRefunds, self._narrowed)

    def _narrowed(self, found: Any, params: requests.ListRefunds) -> Any:
        if params.charge is not None:
            found = found.filter(charge_id=decode("ch", params.charge, "charge"))
        if params.payment_intent is not None:
            found = found.filter(intent_id=decode("pi", params.payment_intent, "payment_intent"))
        return found

    @describe(
        "Create a refund",
        request=requests.CreateRefund,
        response=shapes.Refund,
        description="Paid from the available balance first, then from pending money, oldest first. A gateway that does not "
        "answer leaves it `pending`.",
        tag="Refunds",
        errors=(409, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body(requests.CreateRefund)
        return self.write(flows.create_refund(self.caller, self.key(body), body))


class RefundsOfCharge(_Refunds):
    scope = {"GET": "refunds:read"}

    @describe("List a charge's refunds", request=requests.Page, response=ListOf(shapes.Refund), tag="Charges")
    def get(self, request: Request, id: str) -> HttpResponse:
        charge = selectors.one(Charge, id=path_id(Charge, id), **self.mine)
        return self.listed(requests.Page, lambda found, params: found.filter(charge_id=charge.id))


class OneRefund(_Refunds):
    @describe("Retrieve a refund", request=requests.Retrieve, response=shapes.Refund, tag="Refunds")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)

    @describe("Update a refund's metadata", request=requests.UpdateMetadata, response=shapes.Refund, tag="Refunds", errors=(422,))
    def post(self, request: Request, id: str) -> HttpResponse:
        body, refund_id = self.body(requests.UpdateMetadata), path_id(Refund, id)
        return self.written(body, lambda key: services.update_refund(caller=self.caller, refund_id=refund_id, body=body, key=key))
