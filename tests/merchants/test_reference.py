"""The API describes itself from the shapes that it decodes and renders."""

import json
import re

import msgspec
import pytest
from django.conf import settings
from django.test import Client
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate
from rest_framework.schemas.generators import EndpointEnumerator

from apps.core.api.openapi import ListOf, TwoShapesOneName, describe, operation_id
from apps.core.api.types import Amount, ListParams, ObjectShape, Shape
from apps.core.errors import error_body
from apps.merchants.api import shapes
from apps.merchants.api.views_base import FlorinView
from apps.payments.errors import CardDeclined
from scripts.lints.base import ROOT
from tests.core.api.conforms import assert_conforms
from tests.merchants.things import NewThing


class Thing(ObjectShape):
    """A thing."""

    id: str
    amount: Amount


class Things(FlorinView):
    scope = {"POST": "payments:write"}

    @describe("List things", request=ListParams, response=ListOf(Thing), tag="Things")
    def get(self, request): ...

    @describe("Make a thing", request=NewThing, response=Thing, tag="Things", errors=(402,))
    def post(self, request): ...

    def delete(self, request): ...


class OneThing(FlorinView):
    @describe("Retrieve a thing", response=Thing, tag="Things")
    def get(self, request, id): ...


class Urls:
    urlpatterns = [path("v1/things", Things.as_view()), path("v1/things/<str:id>", OneThing.as_view())]


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator(patterns=Urls.urlpatterns).get_schema(request=None, public=True)


def test_the_description_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_a_write_takes_json_or_a_form_and_an_idempotency_key(document):
    post = document["paths"]["/v1/things"]["post"]
    assert set(post["requestBody"]["content"]) == {"application/json", "application/x-www-form-urlencoded"}
    assert post["requestBody"]["required"] is True
    assert [parameter["name"] for parameter in post["parameters"]] == ["Idempotency-Key"]
    assert post["description"] == "Needs the scope `payments:write`."
    assert {"200", "400", "401", "402", "409", "422", "429", "503"} <= set(post["responses"])


def test_a_list_documents_its_query_and_its_page(document):
    get = document["paths"]["/v1/things"]["get"]
    names = {parameter["name"]: parameter for parameter in get["parameters"]}
    assert set(names) == {"limit", "starting_after", "ending_before", "created", "expand[]"}
    assert names["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
    assert names["created"]["style"] == "deepObject"
    assert document["components"]["schemas"]["ThingList"]["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Thing"}


def test_what_the_decoder_enforces_is_what_is_documented(document):
    amount = document["components"]["schemas"]["NewThing"]["properties"]["amount"]
    assert (amount["minimum"], amount["maximum"]) == (1, 99_999_999_999)


def test_a_path_parameter_and_a_method_without_description(document):
    assert document["paths"]["/v1/things/{id}"]["get"]["parameters"][0]["name"] == "id"
    assert "delete" not in document["paths"]["/v1/things"]


def test_operation_ids_say_method_and_path():
    assert operation_id("POST", "/v1/payment_intents/{id}/confirm") == "PostPaymentIntentsIdConfirm"


def test_two_shapes_of_one_name_are_refused():
    other = type("NewThing", (Shape,), {"__annotations__": {"colour": str}})

    class Clash(FlorinView):
        @describe("Clash", request=other, response=Thing)
        def post(self, request): ...

    patterns = [*Urls.urlpatterns, path("v1/clash", Clash.as_view())]
    with pytest.raises(TwoShapesOneName):
        SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)


def test_every_method_of_every_endpoint_is_described():
    endpoints = EndpointEnumerator().get_api_endpoints()
    bare = [f"{method} {path}" for path, method, view in endpoints if not hasattr(getattr(view.cls, method.lower()), "operation")]
    assert endpoints
    assert bare == []


def test_the_whole_description_is_valid_and_every_operation_has_its_own_id():
    document = json.loads(Client().get("/v1/openapi.json").content)
    validate(document)
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert document["info"]["description"].startswith("Florin takes payments")


def patterns(node):
    if isinstance(node, dict):
        yield from [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from patterns(inner)


def test_no_pattern_takes_a_line_break_behind_what_it_wants():
    """To Python `$` is also before a last line break; to readers of the description it is the very end."""
    methods = [getattr(view.cls, method.lower()) for path, method, view in EndpointEnumerator().get_api_endpoints()]
    shapes = {method.operation.request for method in methods} - {None}
    enforced = list(patterns(list(msgspec.json.schema_components(shapes))))
    assert len(enforced) > 10
    assert [pattern for pattern in enforced if not pattern.endswith(r"\Z")] == []
    shown = list(patterns(json.loads(Client().get("/v1/openapi.json").content)))
    assert {pattern.removesuffix(r"\Z") + "$" for pattern in enforced} <= set(shown)
    assert [pattern for pattern in shown if r"\Z" in pattern or "(?i" in pattern] == []


def test_the_description_and_the_page_are_served_without_a_key():
    document = json.loads(Client().get("/v1/openapi.json").content)
    assert "/v1/account" in document["paths"]
    page = Client().get("/v1/docs")
    assert page.status_code == 200
    assert "script-src 'self';" in page["Content-Security-Policy"]
    assert b"<script>" not in page.content
    assert b"https://" not in page.content


def test_every_errors_doc_url_leads_to_its_explanation():
    error = Client().get("/v1/account").json()["error"]
    path, _, anchor = error["doc_url"].removeprefix(settings.PUBLIC_BASE_URL).partition("#")
    page = Client().get(path)
    assert (page.status_code, anchor) == (200, "api_key_missing")
    assert f'id="{anchor}"' in page.content.decode()


def test_each_code_is_explained_once_on_both_pages():
    shown = re.findall(r'<tr id="(\w+)">', Client().get("/docs/errors").content.decode())
    written = re.findall(r'<a id="(\w+)">', (ROOT / "docs/errors.md").read_text())
    assert shown == written == sorted(set(written))


@pytest.mark.parametrize(
    ("code", "anchor"), [("expired_card", "expired_card"), ("card_declined", "card_declined"), ("a_new_one", "card_declined")]
)
def test_what_a_bank_says_is_explained_where_doc_url_leads(code: str, anchor: str):
    error = CardDeclined(code=code, decline_code=None, told="No.", objects={})
    told = json.loads(error_body(error, "req_1", "/docs/errors"))["error"]
    assert (told["code"], told["doc_url"]) == (code, f"/docs/errors#{anchor}")
    assert f'id="{anchor}"' in Client().get("/docs/errors").content.decode()


def test_the_account_is_shown_as_documented(make_merchant):
    shop = make_merchant(settings={"require_idempotency_key": True})
    response = Client().get("/v1/account", headers=shop.auth)
    document = response.json()
    assert_conforms(document, shapes.Account)
    assert (document["id"], document["livemode"]) == (shop.account, False)
    assert document["settings"] == {"require_idempotency_key": True, "pricing_plan": "Standard"}
    assert response["Request-Id"].startswith("req_")


def test_an_account_takes_no_parameters(make_merchant):
    response = Client().get("/v1/account?expand[]=x", headers=make_merchant().auth)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "expand")
