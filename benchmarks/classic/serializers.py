"""What is asked and what is answered."""

from collections.abc import Collection

from rest_framework import serializers

from benchmarks.classic.models import BalanceTransaction, Charge, Customer, PaymentIntent, PaymentMethod, Transfer


class EpochField(serializers.DateTimeField):
    """A moment as whole seconds since 1970."""

    def to_representation(self, value) -> int:
        return int(value.timestamp())


class ObjectField(serializers.ReadOnlyField):
    """The type's name, the same for every row."""

    def __init__(self, name: str, **options) -> None:
        self.name = name
        super().__init__(source="*", **options)

    def to_representation(self, value) -> str:
        return self.name


class CustomerSerializer(serializers.ModelSerializer):
    object = ObjectField("customer")
    created = EpochField()

    class Meta:
        model = Customer
        fields = ["id", "object", "created", "email", "livemode", "metadata", "name"]


class PaymentMethodSerializer(serializers.ModelSerializer):
    object = ObjectField("payment_method")
    created = EpochField()

    class Meta:
        model = PaymentMethod
        fields = ["id", "object", "billing_details", "card", "created", "customer", "livemode", "metadata"]


class BalanceTransactionSerializer(serializers.ModelSerializer):
    object = ObjectField("balance_transaction")
    created = EpochField()

    class Meta:
        model = BalanceTransaction
        fields = ["id", "object", "amount", "available_on", "created", "currency", "description", "fee", "net", "source", "type"]


class ExpandingSerializer(serializers.ModelSerializer):
    """References are ids, or whole objects where `expand` names them (`latest_charge.balance_transaction`)."""

    expandable: dict[str, type[serializers.ModelSerializer]] = {}

    def __init__(self, *args, expand: Collection[str] = (), **kwargs) -> None:
        self.expand = expand
        super().__init__(*args, **kwargs)

    def get_fields(self):
        fields = super().get_fields()
        wanted = {path.partition(".")[0] for path in self.expand}
        for name, kind in self.expandable.items():
            if name in wanted:
                inner = [path.partition(".")[2] for path in self.expand if path.startswith(f"{name}.")]
                options = {"expand": inner} if issubclass(kind, ExpandingSerializer) else {}
                fields[name] = kind(read_only=True, **options)
        return fields


class ChargeSerializer(ExpandingSerializer):
    object = ObjectField("charge")
    created = EpochField()
    payment_intent = serializers.PrimaryKeyRelatedField(source="intent", read_only=True)
    paid = serializers.SerializerMethodField()
    refunded = serializers.SerializerMethodField()
    payment_method_details = serializers.SerializerMethodField()
    expandable = {"balance_transaction": BalanceTransactionSerializer}

    class Meta:
        model = Charge
        fields = [
            "id", "object", "amount", "amount_captured", "amount_refunded", "balance_transaction", "billing_details", "captured",
            "created", "currency", "description", "failure_code", "livemode", "metadata", "paid", "payment_intent", "payment_method",
            "payment_method_details", "refunded", "status",
        ]  # fmt: skip

    def get_paid(self, charge: Charge) -> bool:
        return charge.status == "succeeded"

    def get_refunded(self, charge: Charge) -> bool:
        return charge.captured and charge.amount_refunded == charge.amount_captured

    def get_payment_method_details(self, charge: Charge) -> dict | None:
        return charge.card and {"card": charge.card, "type": "card"}


class PaymentIntentSerializer(ExpandingSerializer):
    object = ObjectField("payment_intent")
    created = EpochField()
    canceled_at = EpochField()
    payment_method_types = serializers.SerializerMethodField()
    expandable = {"customer": CustomerSerializer, "payment_method": PaymentMethodSerializer, "latest_charge": ChargeSerializer}

    class Meta:
        model = PaymentIntent
        fields = [
            "id", "object", "amount", "amount_capturable", "amount_received", "canceled_at", "capture_method", "client_secret",
            "confirmation_method", "created", "currency", "customer", "description", "last_payment_error", "latest_charge", "livemode",
            "metadata", "payment_method", "payment_method_options", "payment_method_types", "receipt_email", "statement_descriptor",
            "status", "transfer_group",
        ]  # fmt: skip

    def get_payment_method_types(self, intent: PaymentIntent) -> list[str]:
        return ["card"]


class TransferSerializer(serializers.ModelSerializer):
    object = ObjectField("transfer")
    created = EpochField()

    class Meta:
        model = Transfer
        fields = [
            "id",
            "object",
            "amount",
            "balance_transaction",
            "created",
            "currency",
            "description",
            "destination",
            "livemode",
            "metadata",
        ]


class CreateIntentSerializer(serializers.Serializer):
    """The parameters of a new intent."""

    amount = serializers.IntegerField(min_value=1, max_value=99_999_999)
    currency = serializers.RegexField("^[a-z]{3}$")
    confirm = serializers.BooleanField(default=False)
    payment_method = serializers.RegexField("^pm_[A-Za-z0-9_]{1,80}$", required=False)
    customer = serializers.CharField(max_length=64, required=False)
    description = serializers.CharField(max_length=1000, required=False)
    receipt_email = serializers.EmailField(required=False)
    statement_descriptor = serializers.CharField(max_length=22, required=False)
    transfer_group = serializers.CharField(max_length=250, required=False)
    return_url = serializers.URLField(required=False)
    metadata = serializers.DictField(child=serializers.CharField(max_length=500), required=False)

    def validate(self, given: dict) -> dict:
        if given["confirm"] and "payment_method" not in given:
            raise serializers.ValidationError({"payment_method": "This field is required to confirm."})
        return given


class CreateTransferSerializer(serializers.Serializer):
    """The parameters of a transfer."""

    amount = serializers.IntegerField(min_value=1, max_value=99_999_999)
    currency = serializers.RegexField("^[a-z]{3}$")
    destination = serializers.CharField(max_length=64)
    description = serializers.CharField(max_length=1000, required=False)
    metadata = serializers.DictField(child=serializers.CharField(max_length=500), required=False)
