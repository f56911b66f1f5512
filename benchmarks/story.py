"""Real work for the loads: intents to read, and the very commands that the hot views send, for pgbench."""

from typing import Any
from uuid import uuid4

from apps.core import db
from apps.core.flow import Flow, Rows, Sql, run
from apps.idempotency.domain import RequestKey
from apps.merchants.domain import Caller
from apps.payments import flows
from apps.payments.domain import requests
from benchmarks import ground
from benchmarks.ground import Ground


def lay() -> Ground:
    """The ground of a run; pgbench's templates are installed."""
    laid = ground.lay(_create)
    body = requests.CreateTransfer(amount=1, currency="eur", destination=laid.accounts[0])
    for name, flow in (
        ("create", flows.create_payment_intent(laid.caller, _key(laid.caller), _intent())),
        ("transfer", flows.create_transfer(laid.caller, _key(laid.caller), body)),
    ):
        template, fresh = ground.as_template(_command(flow, f"payments_{name}"), keep=laid.merchant_ids)
        ground.install(name, template, fresh)
    return laid


def _create(caller: Caller) -> str:
    answer = run(flows.create_payment_intent(caller, _key(caller), _intent()))
    return str(answer.body).split('"id":"')[1].split('"')[0]


def _intent() -> requests.CreatePaymentIntent:
    return requests.CreatePaymentIntent(amount=1999, currency="eur", metadata={"order": "A-1001"})


def _key(caller: Caller) -> RequestKey:
    return RequestKey(caller.merchant_id, caller.livemode, str(uuid4()), uuid4().bytes * 2, "POST /v1/benchmark")


def _command(flow: Flow[Any], function: str) -> dict[str, Any]:
    """The command that `flow` would send to `function`; reads before it are answered."""
    step = next(flow)
    while isinstance(step, Rows):
        step = flow.send(db.query(step.statement, step.params))
    if not isinstance(step, Sql) or step.function != function:
        raise TypeError(f"expected a call of {function}, not {step}")
    return step.command
