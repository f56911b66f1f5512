"""What is not a request is refused with a reason, and nothing is journalled."""

import json

import pytest

from tests.sandbox.process import authorization

GOOD = authorization()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b'"x"', b"{", b'{"reference":"\xff"}',
        json.dumps(GOOD).encode()[:-5], json.dumps(GOOD).encode() + b"x", b"[" * 60000,
        json.dumps(GOOD | {"surprise": 1}).encode(), json.dumps({k: v for k, v in GOOD.items() if k != "amount"}).encode(),
    ],
)  # fmt: skip
def test_a_body_that_is_not_the_shape_is_refused(shared, body):
    response = shared.raw("POST", "/v1/authorize", body)
    answer = json.loads(response.content)
    assert (response.status, answer["error"]) == (400, "invalid_request")
    assert answer["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0}, {"amount": -1}, {"amount": 10.5}, {"amount": "10"}, {"amount": True}, {"amount": 10**12},
        {"currency": "EUR"}, {"currency": "euro"}, {"currency": "eu\n"}, {"capture": 1}, {"payment_method": ""},
        {"reference": ""}, {"reference": "a/b"}, {"reference": "../x"}, {"reference": "a" * 101}, {"reference": "a\n"},
        {"description": "x" * 2001},
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_and_names_its_field(shared, change):
    before = len(shared.journal())
    status, answer = shared.post("/v1/authorize", authorization() | change)
    assert (status, answer["error"]) == (400, "invalid_request")
    assert f"$.{next(iter(change))}" in answer["message"]
    assert len(shared.journal()) == before


def test_a_body_over_64_kb_is_refused(shared):
    response = shared.raw("POST", "/v1/authorize", b" " * 65537)
    assert (response.status, json.loads(response.content)["error"]) == (413, "body_too_large")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/authorize", 405), ("PUT", "/files/bank", 405), ("GET", "/x", 404)])
def test_an_address_that_does_not_exist_says_so(shared, method, path, status):
    response = shared.raw(method, path)
    assert (response.status, bool(json.loads(response.content)["error"])) == (status, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/control/clock", {"now": "yesterday"}), ("/control/clock", {"now": 1e300}), ("/control/clock", {"advance_s": 1e300}),
        ("/control/settle", {"date": "2026-02-31"}), ("/control/settle", {"date": "today"}),
        ("/control/settle", {"date": "2026-02-01", "account": "NL00SBNK"}),
        ("/control/faults", {"timeout_rate": 1.5}), ("/control/faults", {"timeout_rate": 0.6, "error_rate": 0.6}),
        ("/control/settlement_faults", {"unknown_lines": -1}),
    ],
)  # fmt: skip
def test_the_test_bench_refuses_nonsense(shared, path, body):
    status, answer = shared.post(path, body)
    assert (status, bool(answer["message"])) == (400, True)


@pytest.mark.parametrize("name", ["../journal.jsonl", "..%2fjournal.jsonl", "%2e%2e/lock", "nothing.csv"])
def test_only_published_files_are_served(shared, name):
    assert shared.raw("GET", f"/files/settlement/{name}").status == 404
