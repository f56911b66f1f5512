"""The acquirer's rules as a pure state machine: `decide` turns a request into a journal entry, `apply` an entry into state.

The running process and the restart go through the same `apply`, so that the state is always what the journal says.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET, Struct, structs

from sandbox import tokens
from sandbox.settlement import Books
from sandbox.shapes import KINDS, Authorize, Capture, Entry, Refund, Request, Void


class Operation(Struct, eq=False, gc=False, kw_only=True):
    """One call by reference. An authorisation also keeps what later calls made of it (minor units)."""

    entry: Entry
    seq: int
    status: str
    code: str | None
    decline_code: str | None
    known_since: float
    captured: int = 0
    refunded: int = 0
    voided: bool = False

    def was(self, request: Request) -> bool:
        """Whether this operation came of exactly that request."""
        return self.entry.kind == KINDS[type(request)] and all(
            getattr(self.entry, field) == getattr(request, field) for field in request.__struct_fields__
        )


class Outcome(NamedTuple):
    status: str
    amount: int
    currency: str
    code: str | None = None
    decline_code: str | None = None


class State:
    """Everything the journal implies: operations by reference, open and settled lines, the clock's shift."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self.books = Books()
        self.shift_us = 0

    def authorization(self, reference: str | None) -> Operation | None:
        found = self.operations.get(reference or "")
        return found if found is not None and found.entry.kind == "authorize" else None


def decide(state: State, request: Request, *, seq: int, at: str) -> Entry:
    """The entry that carries the request out, or records that it was declined. Changes nothing."""
    outcome = _RULES[type(request)](state, request)
    entry = Entry(seq=seq, at=at, kind=KINDS[type(request)], **structs.asdict(request))
    entry.status, entry.amount, entry.currency, entry.code, entry.decline_code = outcome
    entry.network_reference = network_reference(request.reference)
    return entry


def network_reference(reference: str) -> str:
    return "nw_" + hashlib.blake2b(reference.encode(), digest_size=9).hexdigest()


def _authorize(state: State, request: Authorize) -> Outcome:
    token = tokens.find(request.payment_method)
    if token.outcome == "declined":
        return Outcome("declined", request.amount, request.currency, token.code, token.decline_code)
    approved = "captured" if request.capture else "authorized"
    status = approved if token.outcome == "approved" else "requires_action"
    return Outcome(status, request.amount, request.currency)


def _capture(state: State, request: Capture) -> Outcome:
    refusal = _capture_refusal(state.authorization(request.authorization), request)
    return Outcome("declined" if refusal else "captured", request.amount, request.currency, refusal)


def _capture_refusal(held: Operation | None, request: Capture) -> str | None:
    refusal = _not_usable(held, request.currency)
    if refusal or held is None:
        return refusal
    if held.captured:
        return "charge_already_captured"
    return "amount_too_large" if request.amount > (held.entry.amount or 0) else None


def _not_usable(held: Operation | None, currency: str) -> str | None:
    """Why no money can move under this authorisation, or None."""
    if held is None:
        return "authorization_not_found"
    if held.voided:
        return "authorization_voided"
    if held.status not in ("authorized", "captured"):
        return "authorization_not_approved"
    return None if held.entry.currency == currency else "currency_mismatch"


def _void(state: State, request: Void) -> Outcome:
    held = state.authorization(request.authorization)
    refusal = _void_refusal(held)
    amount, currency = (held.entry.amount or 0, held.entry.currency or "") if held else (0, "")
    return Outcome("declined" if refusal else "voided", amount, currency, refusal)


def _void_refusal(held: Operation | None) -> str | None:
    if held is None:
        return "authorization_not_found"
    if held.voided:
        return "authorization_voided"
    if held.captured:
        return "charge_already_captured"
    # An authorisation that still waits for the customer can be withdrawn; a declined one has nothing to release.
    return "authorization_not_approved" if held.status == "declined" else None


def _refund(state: State, request: Refund) -> Outcome:
    refusal = _refund_refusal(state.authorization(request.authorization), request)
    return Outcome("declined" if refusal else "refunded", request.amount, request.currency, refusal)


def _refund_refusal(held: Operation | None, request: Refund) -> str | None:
    refusal = _not_usable(held, request.currency)
    if refusal or held is None:
        return refusal
    if not held.captured:
        return "charge_not_captured"
    if held.refunded == held.captured:
        return "charge_already_refunded"
    if request.amount > held.captured - held.refunded:
        return "amount_too_large"
    refundable = tokens.find(held.entry.payment_method or "").refunds == "refunded"
    return None if refundable else "refund_failed"


_RULES: dict[type, Callable[..., Outcome]] = {
    Authorize: _authorize,
    Capture: _capture,
    Void: _void,
    Refund: _refund,
}


def authenticate(operation: Operation, *, approved: bool, seq: int, at: str) -> Entry:
    """The entry that settles what the customer was asked; its `reference` is the authorisation's."""
    request = operation.entry
    token = tokens.find(request.payment_method or "")
    entry = Entry(
        seq=seq, at=at, kind="authenticate", reference=request.reference, amount=request.amount,
        currency=request.currency, payment_method=request.payment_method, capture=request.capture,
        network_reference=request.network_reference, status="captured" if request.capture else "authorized",
    )  # fmt: skip
    if not approved:
        entry.status, entry.code = "declined", "payment_intent_authentication_failure"
    elif token.after_action == "declined":
        entry.status, entry.code, entry.decline_code = "declined", token.code, token.decline_code
    return entry


def apply(state: State, entry: Entry, *, known_since: float) -> None:
    """The state after `entry`. `known_since` is when it took effect, in seconds of the process's monotonic clock."""
    if entry.kind in _EFFECTS:
        _EFFECTS[entry.kind](state, entry)
    if entry.kind in KINDS.values():
        _remember(state, entry, known_since)


def _remember(state: State, entry: Entry, known_since: float) -> None:
    operation = Operation(
        entry=entry, seq=entry.seq, status=str(entry.status), code=entry.code,
        decline_code=entry.decline_code, known_since=known_since,
    )  # fmt: skip
    state.operations[str(entry.reference)] = operation
    if entry.kind == "authorize" and entry.status == "captured":
        _book_capture(state, operation, entry)


def _book_capture(state: State, held: Operation, entry: Entry) -> None:
    held.captured = entry.amount or 0
    state.books.add("capture", entry, held.entry)


def _captured(state: State, entry: Entry) -> None:
    held = state.authorization(entry.authorization)
    if entry.status == "captured" and held is not None:
        _book_capture(state, held, entry)


def _voided(state: State, entry: Entry) -> None:
    held = state.authorization(entry.authorization)
    if entry.status == "voided" and held is not None:
        held.voided = True


def _refunded(state: State, entry: Entry) -> None:
    held = state.authorization(entry.authorization)
    if entry.status == "refunded" and held is not None:
        held.refunded += entry.amount or 0
        state.books.add("refund", entry, held.entry)


def _authenticated(state: State, entry: Entry) -> None:
    held = state.operations[str(entry.reference)]
    held.status, held.code, held.decline_code = str(entry.status), entry.code, entry.decline_code
    held.seq = entry.seq
    if entry.status == "captured":
        _book_capture(state, held, entry)


def _clock_set(state: State, entry: Entry) -> None:
    if entry.shift_us is not UNSET:
        state.shift_us = entry.shift_us


def _settled(state: State, entry: Entry) -> None:
    if entry.settlement is not UNSET:
        state.books.settle(entry.settlement)


_EFFECTS: dict[str, Callable[[State, Entry], None]] = {
    "capture": _captured,
    "void": _voided,
    "refund": _refunded,
    "authenticate": _authenticated,
    "clock": _clock_set,
    "settlement": _settled,
}
