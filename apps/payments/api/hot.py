"""The hot endpoints on the event loop: the same shapes, flows and renderers as their DRF twins."""

from django.http import HttpRequest, HttpResponse

from apps.core.api.lists import keyset, page_of
from apps.core.ids import decode
from apps.cutover.api.switched import SwitchedView
from apps.payments import flows
from apps.payments.api.views.base import path_id
from apps.payments.domain import expansion, requests
from apps.payments.models import PaymentIntent


class PaymentIntents(SwitchedView):
    scope = {"GET": "payments:read", "POST": "payments:write"}
    endpoint = {"GET": "payment_intents.list", "POST": "payment_intents.create"}

    async def get(self, request: HttpRequest) -> HttpResponse:
        params = self.params(requests.ListPaymentIntents)
        expand = expansion.wanted(params.expand, "payment_intent", in_list=True)
        at = keyset(params, prefix="pi", column="i.id", created="i.created", ids_are=PaymentIntent.ids_are)
        customer = None if params.customer is None else decode("cus", params.customer, "customer")
        found = await self.read(flows.list_payment_intents(self.caller, at, expand, customer_id=customer))
        return self.shown(page_of(found, at, request.path))

    async def post(self, request: HttpRequest) -> HttpResponse:
        body = self.body(requests.CreatePaymentIntent)
        return await self.write(flows.create_payment_intent(self.caller, self.key(body), body))


class OnePaymentIntent(SwitchedView):
    scope = {"GET": "payments:read"}
    endpoint = {"GET": "payment_intents.retrieve"}

    async def get(self, request: HttpRequest, id: str) -> HttpResponse:
        expand = expansion.wanted(self.params(requests.Retrieve).expand, "payment_intent")
        return self.shown(await self.read(flows.retrieve_payment_intent(self.caller, path_id(PaymentIntent, id), expand)))


class Confirm(SwitchedView):
    scope = {"POST": "payments:write"}
    endpoint = {"POST": "payment_intents.confirm"}

    async def post(self, request: HttpRequest, id: str) -> HttpResponse:
        body = self.body(requests.ConfirmPaymentIntent)
        return await self.write(flows.confirm_payment_intent(self.caller, self.key(body), path_id(PaymentIntent, id), body))


class Capture(SwitchedView):
    scope = {"POST": "payments:write"}
    endpoint = {"POST": "payment_intents.capture"}

    async def post(self, request: HttpRequest, id: str) -> HttpResponse:
        body = self.body(requests.CapturePaymentIntent)
        return await self.write(flows.capture_payment_intent(self.caller, self.key(body), path_id(PaymentIntent, id), body))


class Cancel(SwitchedView):
    scope = {"POST": "payments:write"}
    endpoint = {"POST": "payment_intents.cancel"}

    async def post(self, request: HttpRequest, id: str) -> HttpResponse:
        body = self.body(requests.CancelPaymentIntent)
        return await self.write(flows.cancel_payment_intent(self.caller, self.key(body), path_id(PaymentIntent, id), body))


class Refunds(SwitchedView):
    scope = {"POST": "refunds:write"}
    endpoint = {"POST": "refunds.create"}

    async def post(self, request: HttpRequest) -> HttpResponse:
        body = self.body(requests.CreateRefund)
        return await self.write(flows.create_refund(self.caller, self.key(body), body))


class Transfers(SwitchedView):
    scope = {"POST": "transfers:write"}
    endpoint = {"POST": "transfers.create"}

    async def post(self, request: HttpRequest) -> HttpResponse:
        body = self.body(requests.CreateTransfer)
        return await self.write(flows.create_transfer(self.caller, self.key(body), body))


class Balance(SwitchedView):
    scope = {"GET": "balance:read"}
    endpoint = {"GET": "balance.retrieve"}

    async def get(self, request: HttpRequest) -> HttpResponse:
        self.params(requests.Nothing)
        return self.shown(await self.read(flows.retrieve_balance(self.caller)))
