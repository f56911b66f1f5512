"""Payment intents."""

from typing import Any

from django.http import HttpResponse
from msgspec import UNSET
from rest_framework.request import Request

from apps.core.api.openapi import ListOf, describe
from apps.core.flow import run
from apps.core.ids import decode
from apps.payments import flows, services
from apps.payments.api.views.base import Json, View, joined_row, path_id
from apps.payments.domain import requests, rows
from apps.payments.flows.beginning import chosen_method
from apps.payments.flows.tokens import with_card
from apps.payments.models import PaymentIntent
from apps.payments.renderers import objects, shapes

_TAG = "Payment intents"


class _View(View):
    scope = {"GET": "payments:read", "POST": "payments:write"}
    model = PaymentIntent

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        charge = joined_row(rows.Charge, record, expand, "latest_charge", "latest_charge")
        return objects.payment_intent(
            rows.of(rows.Intent, record),
            customer=joined_row(rows.Customer, record, expand, "customer", "customer"),
            method=joined_row(rows.PaymentMethod, record, expand, "payment_method", "payment_method"),
            charge=charge,
            transaction=charge
            and joined_row(
                rows.BalanceTransaction, record.latest_charge, expand, "latest_charge.balance_transaction", "balance_transaction"
            ),
        )


class PaymentIntents(_View):
    @describe("List payment intents", request=requests.ListPaymentIntents, response=ListOf(shapes.PaymentIntent), tag=_TAG)
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListPaymentIntents, self._of_customer)

    def _of_customer(self, found: Any, params: requests.ListPaymentIntents) -> Any:
        return found if params.customer is None else found.filter(customer_id=decode("cus", params.customer, "customer"))

    @describe(
        "Create a payment intent",
        request=requests.CreatePaymentIntent,
        response=shapes.PaymentIntent,
        description="With `confirm` the gateway is asked at once. A gateway that does not answer leaves the intent `processing`: "
        "what became of it is found out and told by an event.",
        tag=_TAG,
        errors=(402, 409, 422),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body(requests.CreatePaymentIntent)
        return self.write(flows.create_payment_intent(self.caller, self.key(body), body))


class OnePaymentIntent(_View):
    @describe("Retrieve a payment intent", request=requests.Retrieve, response=shapes.PaymentIntent, tag=_TAG)
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)

    @describe(
        "Update a payment intent",
        request=requests.UpdatePaymentIntent,
        response=shapes.PaymentIntent,
        description="Before it is confirmed; its description and metadata at any time.",
        tag=_TAG,
        errors=(409, 422),
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body, intent_id = self.body(requests.UpdatePaymentIntent), path_id(PaymentIntent, id)
        named = None if body.payment_method is UNSET else body.payment_method
        method_id, new = chosen_method(self.caller, named)
        method = None if new is None else run(with_card(new))
        given: Json = {"caller": self.caller, "intent_id": intent_id, "body": body, "method_id": method_id, "method": method}
        return self.written(body, lambda key: services.update_payment_intent(**given))


class Confirm(_View):
    scope = {"POST": "payments:write"}

    @describe(
        "Confirm a payment intent",
        request=requests.ConfirmPaymentIntent,
        response=shapes.PaymentIntent,
        description="Asks the gateway. While the customer is at the bank's page, asks what became of it.",
        tag=_TAG,
        errors=(402, 409, 422),
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body = self.body(requests.ConfirmPaymentIntent)
        return self.write(flows.confirm_payment_intent(self.caller, self.key(body), path_id(PaymentIntent, id), body))


class Capture(_View):
    scope = {"POST": "payments:write"}

    @describe(
        "Capture a payment intent",
        request=requests.CapturePaymentIntent,
        response=shapes.PaymentIntent,
        description="All of what is authorised, or a part; the rest is released.",
        tag=_TAG,
        errors=(402, 409, 422),
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body = self.body(requests.CapturePaymentIntent)
        return self.write(flows.capture_payment_intent(self.caller, self.key(body), path_id(PaymentIntent, id), body))


class Cancel(_View):
    scope = {"POST": "payments:write"}

    @describe(
        "Cancel a payment intent", request=requests.CancelPaymentIntent, response=shapes.PaymentIntent, tag=_TAG, errors=(402, 409, 422)
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body = self.body(requests.CancelPaymentIntent)
        return self.write(flows.cancel_payment_intent(self.caller, self.key(body), path_id(PaymentIntent, id), body))
