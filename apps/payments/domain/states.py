"""The life of a payment intent: which status allows what, and where each outcome leads.

    requires_payment_method ─► requires_confirmation ─► (the gateway is asked)
                                                             │
        requires_action ◄── challenged ──────────────────────┤
        requires_payment_method ◄── declined ────────────────┤
        processing ◄── unknown ──────────────────────────────┤
        requires_capture ◄── authorized ─────────────────────┤
        succeeded ◄── captured ──────────────────────────────┘
    canceled ◄── voided, or canceled before anything was authorised

`succeeded` and `canceled` are terminal. `processing` is left only by a definitive answer.
"""

from typing import Literal, get_args

Status = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]
Verb = Literal["confirm", "capture", "cancel", "update"]
Outcome = Literal[
    "captured",
    "authorized",
    "challenged",
    "declined",
    "unknown",
    "capture_refused",
    "voided",
    "void_refused",
    "withdrawal_refused",
]

STATUSES: tuple[Status, ...] = get_args(Status)
TERMINAL: frozenset[Status] = frozenset({"succeeded", "canceled"})

# What a merchant may ask for, by the status that the intent is in.
ALLOWED: dict[Verb, tuple[Status, ...]] = {
    "confirm": ("requires_payment_method", "requires_confirmation", "requires_action"),
    "capture": ("requires_capture",),
    "cancel": ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"),
    "update": ("requires_payment_method", "requires_confirmation"),
}

_ASKED: tuple[Status, ...] = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")
_HELD: tuple[Status, ...] = ("requires_capture", "processing")

# outcome → (statuses in which it may arrive, the status it leads to)
MOVES: dict[Outcome, tuple[tuple[Status, ...], Status]] = {
    "captured": ((*_ASKED, "requires_capture"), "succeeded"),
    "authorized": (_ASKED, "requires_capture"),
    "challenged": (_ASKED, "requires_action"),
    "declined": (_ASKED, "requires_payment_method"),
    "unknown": ((*_ASKED, "requires_capture"), "processing"),
    "capture_refused": (_HELD, "requires_capture"),
    "voided": (("requires_action", *_HELD), "canceled"),
    "void_refused": (_HELD, "requires_capture"),
    "withdrawal_refused": (("requires_action", "processing"), "requires_action"),
}


class ImpossibleMove(ValueError):
    """The outcome cannot arrive in this status: a bug or a gateway's nonsense, never a guess."""


def after(status: Status, outcome: Outcome) -> Status:
    """The status that `outcome` leads to. Raises ImpossibleMove."""
    origins, target = MOVES[outcome]
    if status not in origins:
        raise ImpossibleMove(f"{outcome} cannot happen to an intent that is {status}")
    return target


def before_confirmation(has_method: bool) -> Status:
    """The status of an intent that nobody has confirmed yet."""
    return "requires_confirmation" if has_method else "requires_payment_method"


def allows(status: Status, verb: Verb) -> bool:
    return status in ALLOWED[verb]
