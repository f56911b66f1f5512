"""The endpoints."""

from django.db import transaction
from django.db.models import Sum
from rest_framework import mixins, viewsets
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.classic import gateway, idempotency, payments
from benchmarks.classic.models import Account, PaymentIntent
from benchmarks.classic.serializers import CreateIntentSerializer, CreateTransferSerializer, PaymentIntentSerializer

MOST = 100


class PaymentIntentViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet):
    serializer_class = PaymentIntentSerializer

    def get_queryset(self):
        """The caller's intents, with the relations that will be rendered."""
        own = PaymentIntent.objects.filter(merchant=self.request.user, livemode=self.request.auth.livemode)
        related = [path.replace(".", "__") for path in self.expand()]
        return own.select_related(*related) if related else own

    def expand(self) -> list[str]:
        return [path.removeprefix("data.") for path in self.request.query_params.getlist("expand[]")]

    def get_serializer(self, *args, **kwargs):
        return super().get_serializer(*args, expand=self.expand(), **kwargs)

    def list(self, request, *args, **kwargs) -> Response:
        limit = min(int(request.query_params.get("limit", 10)), MOST)
        intents = self.get_queryset().order_by("-id")
        if "starting_after" in request.query_params:
            intents = intents.filter(id__lt=request.query_params["starting_after"])
        page = list(intents[: limit + 1])
        data = self.get_serializer(page[:limit], many=True).data
        return Response({"object": "list", "url": request.path, "has_more": len(page) > limit, "data": data})

    def create(self, request) -> Response:
        form = CreateIntentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        with transaction.atomic():
            record = idempotency.claim(request, given)
            if record and record.status:
                return Response(record.body, status=record.status)
            intent, answer = payments.create_intent(request.auth, given)
            if not given["confirm"]:
                idempotency.finish(record, answer)
                return Response(answer)
            attempt = payments.begin(intent)
        told = gateway.authorize(attempt, intent)
        with transaction.atomic():
            answer = payments.settle(attempt, told)
            idempotency.finish(record, answer)
        return Response(answer)


class TransferViewSet(viewsets.ViewSet):
    def create(self, request) -> Response:
        form = CreateTransferSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with transaction.atomic():
            record = idempotency.claim(request, form.validated_data)
            if record and record.status:
                return Response(record.body, status=record.status)
            answer = payments.create_transfer(request.auth, form.validated_data)
            idempotency.finish(record, answer)
        return Response(answer)


class BalanceView(APIView):
    def get(self, request) -> Response:
        own = Account.objects.filter(merchant=request.user, livemode=request.auth.livemode, name__in=("available", "pending"))
        answer = {"object": "balance", "available": [], "livemode": request.auth.livemode, "pending": []}
        for found in own.values("currency", "name").annotate(amount=Sum("balance")).order_by("currency"):
            amount = {"amount": found["amount"], "currency": found["currency"], "source_types": {"card": found["amount"]}}
            answer[found["name"]].append(amount)
        return Response(answer)
