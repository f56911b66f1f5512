"""The rows of payments as immutable values: what SQL returns, what the rules take and what they
make of it. Amounts are minor units; times are business time, aware."""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from apps.payments.domain.replies import Card, Kind
from apps.payments.domain.states import Status

CaptureMethod = Literal["automatic", "automatic_async", "manual"]
AttemptState = Literal["started", "unknown", "waiting", "succeeded", "failed"]
RefundStatus = Literal["pending", "succeeded", "failed"]
TransactionType = Literal["charge", "refund", "transfer", "payment"]
Json = dict[str, Any]


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """`version` starts at 1 and grows by one with every change."""

    id: UUID
    merchant_id: UUID
    livemode: bool
    version: int = 1
    created: datetime


class Customer(Row, frozen=True, kw_only=True, gc=False):
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    address: Json | None = None
    shipping: Json | None = None
    metadata: dict[str, str] = {}
    default_payment_method_id: UUID | None = None
    deleted_at: datetime | None = None


class PaymentMethod(Row, frozen=True, kw_only=True, gc=False):
    """A card as a token of its gateway. `card` is known once the gateway has described it."""

    customer_id: UUID | None = None
    gateway: str
    token: str
    card: Card | None = None
    billing_details: Json = {}
    metadata: dict[str, str] = {}
    detached_at: datetime | None = None


class Intent(Row, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is None is not sent to the write functions: a column that is not named is null. So nothing else has a default."""

    version: int
    status: Status
    amount: int
    amount_capturable: int
    amount_received: int
    currency: str
    capture_method: CaptureMethod
    confirmation_method: Literal["automatic", "manual"]
    customer_id: UUID | None = None
    payment_method_id: UUID | None = None
    latest_charge_id: UUID | None = None
    client_secret: str
    description: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    receipt_email: str | None = None
    metadata: dict[str, str]
    setup_future_usage: Literal["on_session", "off_session"] | None = None
    shipping: Json | None = None
    automatic_payment_methods: Json | None = None
    payment_method_options: Json
    transfer_group: str | None = None
    return_url: str | None = None
    next_action: Json | None = None
    last_payment_error: Json | None = None
    canceled_at: datetime | None = None
    cancellation_reason: str | None = None


class Attempt(Row, frozen=True, kw_only=True, gc=False):
    """One thing asked of a gateway; its id is the reference by which the gateway knows it.
    `authorization_id` is the attempt that a capture, void or refund builds on. `request` is what
    is needed to finish the merchant's request without its process."""

    intent_id: UUID
    charge_id: UUID | None = None
    refund_id: UUID | None = None
    payment_method_id: UUID | None = None
    authorization_id: UUID | None = None
    kind: Kind
    state: AttemptState = "started"
    gateway: str
    amount: int
    currency: str
    capture: bool = False
    off_session: bool = False
    code: str | None = None
    decline_code: str | None = None
    network_reference: str | None = None
    request: Json = {}
    looks: int = 0


class Charge(Row, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`amount` is what was authorised. `balance_transaction_id` is set once captured. As with
    an intent, only what may be None has a default."""

    version: int
    intent_id: UUID
    attempt_id: UUID
    customer_id: UUID | None = None
    payment_method_id: UUID | None = None
    balance_transaction_id: UUID | None = None
    status: Literal["succeeded", "failed"]
    amount: int
    amount_captured: int
    amount_refunded: int
    amount_refund_pending: int
    currency: str
    captured: bool
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    network_reference: str | None = None
    card: Card | None = None
    billing_details: Json
    description: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    receipt_email: str | None = None
    metadata: dict[str, str]
    shipping: Json | None = None
    transfer_group: str | None = None

    @property
    def refundable(self) -> int:
        """What no refund, finished or pending, has taken yet."""
        return self.amount_captured - self.amount_refunded - self.amount_refund_pending


class Refund(Row, frozen=True, kw_only=True, gc=False):
    """`from_available` + `from_pending` = `amount`: which of the merchant's balances pays. `draws`
    are the parts taken of single payments' pending funds: [{"charge_id", "amount"}]."""

    charge_id: UUID
    intent_id: UUID
    attempt_id: UUID
    balance_transaction_id: UUID | None = None
    status: RefundStatus = "pending"
    amount: int
    currency: str
    reason: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = {}
    from_available: int = 0
    from_pending: int = 0
    draws: list[Json] = []
    available_hold_id: UUID | None = None
    pending_hold_id: UUID | None = None


class Transfer(Row, frozen=True, kw_only=True, gc=False):
    """`merchant_id` pays, `destination_id` receives."""

    destination_id: UUID
    balance_transaction_id: UUID
    amount: int
    currency: str
    description: str | None = None
    metadata: dict[str, str] = {}
    transfer_group: str | None = None


class BalanceTransaction(Row, frozen=True, kw_only=True, gc=False):
    """One movement of a merchant's balance: `amount` − `fee` = `net`, signed. `source` is the
    object's id in the API, `entry_id` the ledger entry."""

    type: TransactionType
    amount: int
    fee: int = 0
    net: int
    currency: str
    available_on: date
    released: bool = False
    source: str
    entry_id: UUID
    description: str | None = None


class Funds(Struct, frozen=True, kw_only=True, gc=False):
    """What one captured payment still has in the merchant's pending balance, until it is due."""

    charge_id: UUID
    merchant_id: UUID
    livemode: bool
    balance_transaction_id: UUID
    currency: str
    available_on: date
    amount: int
    remaining: int


R = TypeVar("R", bound=Struct)


def read(kind: type[R], source: Any) -> R:
    """The row `kind` from a dict of columns (native or as JSON); columns it lacks are left out."""
    return msgspec.convert(source, kind)


# Columns that no object of the API shows.
_UNSHOWN = {"merchant_id", "version", "return_url", "attempt_id", "amount_refund_pending", "gateway", "token", "detached_at", "entry_id"}


@cache
def shown_columns(kind: type[Struct]) -> tuple[str, ...]:
    """The columns of the row `kind` that renderers read."""
    return tuple([name for name in kind.__struct_fields__ if name not in _UNSHOWN])


@cache
def shown(kind: type[R]) -> type[R]:
    """What renderers read of the row `kind`: made of its `shown_columns` in their order, as they are. The database
    has checked them."""
    fields = [(name, Any) for name in shown_columns(kind)]
    return msgspec.defstruct(f"{kind.__name__}Shown", fields, frozen=True, gc=False)  # type: ignore[return-value]  # reads like it


def read_or_none(kind: type[R], source: Any) -> R | None:
    return None if source is None else msgspec.convert(source, kind)


def of(kind: type[R], record: Any) -> R:
    """The row `kind` of a record that has its columns as attributes."""
    return msgspec.convert(record, kind, from_attributes=True)


def of_or_none(kind: type[R], record: Any) -> R | None:
    return None if record is None else msgspec.convert(record, kind, from_attributes=True)


def changed(row: R, **changes: Any) -> R:
    """`row` with `changes`, one version further where the row has versions."""
    if isinstance(row, Row):
        changes.setdefault("version", row.version + 1)
    return msgspec.structs.replace(row, **changes)


# What of a row can change once it is written.
CHANGING: dict[type[Struct], tuple[str, ...]] = {
    Attempt: ("id", "kind", "state", "code", "decline_code", "network_reference", "authorization_id"),
    Intent: (
        "id", "version", "status", "amount_capturable", "amount_received", "payment_method_id", "latest_charge_id", "next_action",
        "last_payment_error", "canceled_at", "cancellation_reason",
    ),
}  # fmt: skip


_CHANGING: dict[type[Struct], tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {
    kind: (names, attrgetter(*names)) for kind, names in CHANGING.items()
}


def changes(row: Struct) -> Json:
    """The columns of `row` that a write function may change, for a row that is there already."""
    names, values_of = _CHANGING[type(row)]
    return dict(zip(names, values_of(row), strict=True))


def columns(row: Struct) -> Json:
    """`row` as JSON-ready columns, for what is kept as JSON. A command for a write function takes the row itself."""
    document: Json = msgspec.to_builtins(row)
    return document
