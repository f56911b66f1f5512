"""A platform that grows: every street adds a row, with relations of its own, to every list there is.

A new list without rows here fails its test: add what fills it to `build`.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
from django.contrib.auth.models import Group, User
from django.test import Client
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from apps.core import ids
from apps.core.caching import cache
from apps.cutover.domain import ENDPOINTS
from apps.cutover.models import Difference, ShadowRate
from apps.cutover.services import switching
from apps.events.services import create_endpoint, emit, relay_batch
from apps.merchants.models import PricingPlan
from apps.payments import services as payments
from apps.reconciliation import services as reconciliation
from apps.statements.models import Series
from config.event_routes import ROUTES
from tests.closing.test_runs import closed
from tests.factories import new_merchant
from tests.ledger.book import seal_all
from tests.payments.shop import Shop
from tests.reconciliation.files import Entry, Line
from tests.reconciliation.world import World, new_account, register_bank
from tests.statements import books

Json = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CURRENCIES = ("usd", "gbp", "chf", "sek", "nok", "dkk", "pln", "czk", "aud", "cad", "nzd", "sgd")


class Town:
    """`shop` is the merchant whose API lists are looked at, `customer` and `intent` its first, which grow too."""

    def __init__(self) -> None:
        cache.forget()
        self.shop = Shop(new_merchant())
        self.api = Client(headers={"Authorization": f"Bearer {self.shop.merchant.secret}"})
        self.months = books.months()
        self.streets = 0
        self.customer = self.asked("/v1/customers", {"name": "The first"})
        self.intent = self.shop.pay(20_000)

    def grow(self, streets: int) -> None:
        for _ in range(streets):
            self.streets += 1
            self.build(self.streets)
            seal_all()
        # What no relay has seen yet.
        for _ in range(self.streets):
            emit(merchant_id=self.shop.merchant.id, livemode=False, type="charge.succeeded", object_id=ids.new_id(), sequence=1, data={})

    def build(self, number: int) -> None:
        self.people(number)
        self.payments(number)
        self.events(number)
        self.bank()
        self.month()

    def people(self, number: int) -> None:
        Group.objects.create(name=f"Group {number}")
        User.objects.create_user(f"user-{number}", password="not used at all")
        self.neighbour = Shop(new_merchant())
        PricingPlan.objects.create(name=f"Plan {number}")
        every = IntervalSchedule.objects.create(every=number, period=IntervalSchedule.DAYS)
        PeriodicTask.objects.create(name=f"Task {number}", task="core.nothing", interval=every)
        CrontabSchedule.objects.create(minute=number)
        ClockedSchedule.objects.create(clocked_time=datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=number))
        SolarSchedule.objects.create(event="sunset", latitude=number, longitude=0)
        Series.objects.create(name=f"TOWN-{number}", last=number)
        self.cutover(number)

    def cutover(self, number: int) -> None:
        switching.throw(endpoint="*", hot_percent=number, actor="test", reason="another street")
        ShadowRate.objects.update_or_create(endpoint=ENDPOINTS[number % len(ENDPOINTS)], defaults={"percent": number})
        Difference.objects.create(
            endpoint="balance.retrieve", merchant_id=self.neighbour.merchant.id, livemode=False, request_id=f"req_{number}", method="GET",
            path="/v1/balance", query="", what="the amount", hot_status=200, hot_body="{}", classic_status=200, classic_body="{}",
            read_at=NOW, compared_at=NOW,
        )  # fmt: skip

    def payments(self, number: int) -> None:
        customer = self.asked("/v1/customers", {"name": f"Customer {number}"})
        method = self.asked("/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}})
        self.asked(f"/v1/payment_methods/{method['id']}/attach", {"customer": customer["id"]})
        intent = self.shop.pay(method=method["id"], customer=customer["id"])
        # The first of them gets one more part of every kind each time.
        another = self.asked("/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}})
        self.asked(f"/v1/payment_methods/{another['id']}/attach", {"customer": self.customer["id"]})
        self.shop.refund(self.intent, amount=100)
        self.shop.refund(intent, amount=1_000)
        self.shop.hold()
        self.shop.pay(currency=CURRENCIES[number - 1])
        payments.release_funds(due=date(2190, 1, 1))
        self.shop.transfer(self.neighbour, 100)

    def asked(self, path: str, body: Json) -> Json:
        answer = self.api.post(path, orjson.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content
        return orjson.loads(answer.content)

    def events(self, number: int) -> None:
        create_endpoint(
            merchant_id=self.neighbour.merchant.id, livemode=False, url=f"https://hooks{number}.example/", enabled_events=("*",)
        )
        if number <= 12:
            create_endpoint(merchant_id=self.shop.merchant.id, livemode=False, url=f"https://hooks{number}.example/", enabled_events=("*",))
        while relay_batch(batch=500, routes=ROUTES).found:
            pass

    def bank(self) -> None:
        world = World(Shop(new_merchant()))
        register_bank(new_account())
        world.pay_out(world.capture())
        world.settle(Line())
        world.bank(Entry(amount=1_234, reference=uuid4().hex))
        reconciliation.match_open_lines(actor="test")

    def month(self) -> None:
        month = next(self.months)
        books.busy_month(self.shop.merchant.id, month, livemode=False)
        closed(month)
