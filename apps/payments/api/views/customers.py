"""Customers and their payment methods."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core.api.openapi import ListOf, describe
from apps.core.errors import ParameterMissing
from apps.core.ids import decode
from apps.payments import selectors, services
from apps.payments.api.views.base import View, joined_row, new_method, path_id
from apps.payments.domain import requests, rows
from apps.payments.models import Customer, PaymentMethod
from apps.payments.renderers import objects, shapes

_TEST_METHOD = "pm_card_"


class _Customers(View):
    scope = {"GET": "customers:read", "POST": "customers:write", "DELETE": "customers:write"}
    model = Customer

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        if record.deleted_at is not None:
            return objects.deleted_customer(record.id)
        return objects.customer(rows.of(rows.Customer, record))


class Customers(_Customers):
    @describe("List customers", request=requests.ListCustomers, response=ListOf(shapes.Customer), tag="Customers")
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListCustomers, self._narrowed)

    def _narrowed(self, found: Any, params: requests.ListCustomers) -> Any:
        found = found.filter(deleted_at=None)
        return found if params.email is None else found.filter(email=params.email)

    @describe("Create a customer", request=requests.CreateCustomer, response=shapes.Customer, tag="Customers", errors=(422, 503))
    def post(self, request: Request) -> HttpResponse:
        body = self.body(requests.CreateCustomer)
        named = body.payment_method
        is_test = named is not None and named.startswith(_TEST_METHOD)
        fresh = new_method(self.caller, named) if is_test and named else None

        def work(key: str | None) -> Customer:
            method_id = None if named is None or is_test else decode("pm", named, "payment_method")
            if fresh is not None:
                method_id = services.create_payment_method(**fresh, billing_details=None, metadata=None).id
            return services.create_customer(caller=self.caller, body=body, method_id=method_id, key=key)

        return self.written(body, work)


class OneCustomer(_Customers):
    @describe("Retrieve a customer", request=requests.Retrieve, response=shapes.Customer, tag="Customers")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)

    @describe("Update a customer", request=requests.UpdateCustomer, response=shapes.Customer, tag="Customers", errors=(422,))
    def post(self, request: Request, id: str) -> HttpResponse:
        body, customer_id = self.body(requests.UpdateCustomer), path_id(Customer, id)
        return self.written(body, lambda key: services.update_customer(caller=self.caller, customer_id=customer_id, body=body, key=key))

    @describe(
        "Delete a customer",
        request=requests.Nothing,
        response=shapes.DeletedCustomer,
        description="Its data is removed; payments keep its id.",
        tag="Customers",
    )
    def delete(self, request: Request, id: str) -> HttpResponse:
        self.params(requests.Nothing)
        return self.shown(objects.deleted_customer(services.forget_customer(caller=self.caller, customer_id=path_id(Customer, id))))


class _PaymentMethods(View):
    scope = {"GET": "customers:read", "POST": "customers:write"}
    model = PaymentMethod

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        customer = joined_row(rows.Customer, record, expand, "customer", "customer")
        return objects.payment_method(rows.of(rows.PaymentMethod, record), customer=customer)


class PaymentMethods(_PaymentMethods):
    @describe(
        "List a customer's payment methods",
        request=requests.ListPaymentMethods,
        response=ListOf(shapes.PaymentMethod),
        tag="Payment methods",
    )
    def get(self, request: Request) -> HttpResponse:
        return self.listed(requests.ListPaymentMethods, self._of_customer)

    def _of_customer(self, found: Any, params: requests.ListPaymentMethods) -> Any:
        if params.customer is None:
            raise ParameterMissing(param="customer")
        return found.filter(customer_id=decode("cus", params.customer, "customer"))

    @describe(
        "Create a payment method",
        request=requests.CreatePaymentMethod,
        response=shapes.PaymentMethod,
        description="From a token that the gateway gave for the card. Card numbers are refused.",
        tag="Payment methods",
        errors=(422, 503),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.body(requests.CreatePaymentMethod)
        fresh = new_method(self.caller, body.card.token)
        fresh |= {"billing_details": requests.plain(body.billing_details), "metadata": body.metadata}
        return self.written(body, lambda key: services.create_payment_method(**fresh))


class OnePaymentMethod(_PaymentMethods):
    @describe("Retrieve a payment method", request=requests.Retrieve, response=shapes.PaymentMethod, tag="Payment methods")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.retrieved(id)

    @describe(
        "Update a payment method", request=requests.UpdatePaymentMethod, response=shapes.PaymentMethod, tag="Payment methods", errors=(422,)
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body, method_id = self.body(requests.UpdatePaymentMethod), path_id(PaymentMethod, id)
        return self.written(body, lambda key: services.update_payment_method(caller=self.caller, method_id=method_id, body=body, key=key))


class Attach(_PaymentMethods):
    scope = {"POST": "customers:write"}

    @describe(
        "Attach a payment method to a customer",
        request=requests.AttachPaymentMethod,
        response=shapes.PaymentMethod,
        tag="Payment methods",
        errors=(422, 503),
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body = self.body(requests.AttachPaymentMethod)
        customer_id = decode("cus", body.customer, "customer")
        fresh = new_method(self.caller, id) if id.startswith(_TEST_METHOD) else None

        def work(key: str | None) -> PaymentMethod:
            if fresh is not None:
                method_id = services.create_payment_method(**fresh, billing_details=None, metadata=None).id
            else:
                method_id = path_id(PaymentMethod, id)
            return services.attach_payment_method(caller=self.caller, method_id=method_id, customer_id=customer_id, key=key)

        return self.written(body, work)


class Detach(_PaymentMethods):
    scope = {"POST": "customers:write"}

    @describe(
        "Detach a payment method from its customer",
        request=requests.Retrieve,
        response=shapes.PaymentMethod,
        tag="Payment methods",
        errors=(422,),
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        body, method_id = self.body(requests.Retrieve), path_id(PaymentMethod, id)
        return self.written(body, lambda key: services.detach_payment_method(caller=self.caller, method_id=method_id, key=key))


class MethodsOfCustomer(_PaymentMethods):
    @describe("List a customer's payment methods", request=requests.ListOfCustomer, response=ListOf(shapes.PaymentMethod), tag="Customers")
    def get(self, request: Request, id: str) -> HttpResponse:
        customer = selectors.one(Customer, id=path_id(Customer, id), **self.mine)
        return self.listed(requests.ListOfCustomer, lambda found, params: found.filter(customer_id=customer.id))
