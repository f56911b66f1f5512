"""Any sequence of creates, confirms, captures, cancels and refunds does what the one-page model says,
and leaves books that the audit finds nothing in."""

import itertools
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.factories import new_merchant
from tests.machine.model import Model

amounts = st.integers(min_value=50, max_value=20_000)


class Payments(RuleBasedStateMachine):
    intents = Bundle("intents")

    @initialize()
    def open_shop(self) -> None:
        self.merchant = new_merchant()
        self.model = Model()
        self.client = Client(headers=self.merchant.auth)
        self.keys = itertools.count()

    def post(self, path: str, **body: Any) -> tuple[bool, dict[str, Any]]:
        headers = {"Idempotency-Key": f"machine-{next(self.keys)}"}
        answer = self.client.post(f"/v1/{path}", orjson.dumps(body), content_type="application/json", headers=headers)
        assert answer.status_code in {200, 400, 402}, answer.content
        return answer.status_code == 200, orjson.loads(answer.content)

    @rule(target=intents, amount=amounts, manual=st.booleans())
    def create(self, amount: int, manual: bool) -> str:
        method = "manual" if manual else "automatic"
        done, intent = self.post("payment_intents", amount=amount, currency="eur", capture_method=method)
        assert done
        self.model.create(intent["id"], amount, manual)
        return intent["id"]

    @rule(intent=intents, good=st.booleans())
    def confirm(self, intent: str, good: bool) -> None:
        card = "pm_card_visa" if good else "pm_card_visa_chargeDeclined"
        done, _ = self.post(f"payment_intents/{intent}/confirm", payment_method=card)
        assert done == self.model.confirm(intent, good)

    @rule(intent=intents, amount=amounts)
    def capture(self, intent: str, amount: int) -> None:
        done, _ = self.post(f"payment_intents/{intent}/capture", amount_to_capture=amount)
        assert done == self.model.capture(intent, amount)

    @rule(intent=intents)
    def cancel(self, intent: str) -> None:
        done, _ = self.post(f"payment_intents/{intent}/cancel")
        assert done == self.model.cancel(intent)

    @rule(intent=intents, amount=amounts)
    def refund(self, intent: str, amount: int) -> None:
        done, _ = self.post("refunds", payment_intent=intent, amount=amount)
        assert done == self.model.refund(intent, amount)

    @rule(intent=intents)
    def look(self, intent: str) -> None:
        shown = orjson.loads(self.client.get(f"/v1/payment_intents/{intent}").content)
        expected = self.model.intents[intent]
        assert (shown["status"], shown["amount_received"]) == (expected.status, expected.captured)

    @invariant()
    def the_merchant_owns_what_the_model_says(self) -> None:
        balance = orjson.loads(self.client.get("/v1/balance").content)
        owned = sum(money["amount"] for kind in ("available", "pending") for money in balance[kind] if money["currency"] == "eur")
        assert owned == self.model.funds


@pytest.mark.slow
def test_any_sequence_of_payments_does_what_the_model_says(sandbox: str, own_database: str) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Payments, settings=settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=checks)
    )
    out = StringIO()
    call_command("audit", strict=True, stdout=out)
    assert "All promises hold." in out.getvalue()
