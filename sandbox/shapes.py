"""Every shape that goes over the wire or into the journal, declared once."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\Z")]
Amount = Annotated[int, Meta(ge=1, le=999_999_999_999)]
Currency = Annotated[str, Meta(pattern=r"^[a-z]{3}\Z")]
Text = Annotated[str, Meta(max_length=2000)]
Rate = Annotated[float, Meta(ge=0, le=1)]


class Authorize(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    reference: Reference
    amount: Amount
    currency: Currency
    payment_method: Annotated[str, Meta(min_length=1, max_length=200)]
    capture: bool
    merchant_reference: Text | None = None
    description: Text | None = None
    return_url: Text | None = None


class Capture(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    reference: Reference
    authorization: Reference
    amount: Amount
    currency: Currency


class Void(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    reference: Reference
    authorization: Reference


class Refund(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, gc=False):
    reference: Reference
    authorization: Reference
    amount: Amount
    currency: Currency


Request = Authorize | Capture | Void | Refund
KINDS: dict[type, str] = {Authorize: "authorize", Capture: "capture", Void: "void", Refund: "refund"}


class Answer(Struct, kw_only=True, gc=False):
    """What the caller is told of an operation; a field that does not apply is absent."""

    reference: str
    kind: str
    status: str
    amount: int
    currency: str
    authorization: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    decline_code: str | UnsetType = UNSET
    network_reference: str
    card: Raw | UnsetType = UNSET
    redirect_url: str | UnsetType = UNSET


class FileFacts(Struct, frozen=True, kw_only=True):
    kind: Literal["settlement", "bank"]
    name: str
    size: int
    sha256: str
    date: str


class Payout(Struct, frozen=True, kw_only=True):
    """One currency's share of a settlement; amounts in minor units, `refunds` as a positive sum."""

    payout_id: str
    date: str
    currency: str
    lines: int
    gross: int
    refunds: int
    fee: int
    net: int
    account: str
    sequence: int
    opening: int
    closing: int
    files: list[FileFacts]


class SettlementFaults(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How the next settlement departs from the truth."""

    omit: list[str] = []
    wrong_amount: dict[str, int] = {}
    unknown_lines: Annotated[int, Meta(ge=0, le=1000)] = 0


class Settlement(Struct, frozen=True, kw_only=True):
    """`currency` is None where the run covered every currency."""

    date: str
    at: str
    currency: str | None
    faults: SettlementFaults
    payouts: list[Payout]


class Entry(Struct, kw_only=True, gc=False):
    """One journal line: the request, what came of it, and the business time it took effect."""

    seq: int
    at: str
    kind: str
    reference: str | None = None
    authorization: str | None = None
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    payment_method: str | None = None
    capture: bool | None = None
    code: str | None = None
    decline_code: str | None = None
    network_reference: str | None = None
    merchant_reference: str | None = None
    description: str | None = None
    return_url: str | None = None
    shift_us: int | UnsetType = UNSET
    settlement: Settlement | UnsetType = UNSET


class SettleRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")]
    account: str | None = None


class ClockRequest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    now: str | int | float | UnsetType | None = UNSET
    advance_s: int | float = 0


class Refused(Exception):
    """The call is not carried out; `status`, `code` and `message` are what the caller is told."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
