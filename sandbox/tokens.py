"""The documented magic tokens, as data: what each card is, and what happens when it is charged.

Names are those of Stripe's test PaymentMethods where one exists; the rest are ours.
"""

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

Outcome = Literal["approved", "declined", "requires_action"]
Behaviour = Literal["answer", "slow", "timeout", "timeout_no_charge", "reset", "drip", "wrong_reference", "truncated", "error"]


class Token(Struct, frozen=True, kw_only=True):
    """`code` and `decline_code` say why a charge (or, after approval by the customer, its completion) fails."""

    name: str
    brand: str = "visa"
    last4: str = "4242"
    exp_month: int = 12
    exp_year: int = 2034
    funding: Literal["credit", "debit", "prepaid"] = "credit"
    country: str = "US"
    outcome: Outcome = "approved"
    after_action: Literal["approved", "declined"] = "approved"
    code: str | None = None
    decline_code: str | None = None
    refunds: Literal["refunded", "declined"] = "refunded"
    dispute: Literal["fraudulent", "product_not_received", "inquiry"] | None = None
    behaviour: Behaviour = "answer"
    note: str = ""


_BRANDS: list[tuple[str, str, str, Literal["credit", "debit", "prepaid"]]] = [
    ("pm_card_visa", "visa", "4242", "credit"),
    ("pm_card_visa_debit", "visa", "5556", "debit"),
    ("pm_card_mastercard", "mastercard", "4444", "credit"),
    ("pm_card_mastercard_debit", "mastercard", "8210", "debit"),
    ("pm_card_mastercard_prepaid", "mastercard", "5100", "prepaid"),
    ("pm_card_amex", "amex", "8431", "credit"),
    ("pm_card_discover", "discover", "9424", "credit"),
    ("pm_card_diners", "diners", "3237", "credit"),
    ("pm_card_jcb", "jcb", "0505", "credit"),
    ("pm_card_unionpay", "unionpay", "0005", "credit"),
]

# Visa cards issued in a country: `pm_card_<country>`.
_COUNTRIES = {
    "us": "4242", "ar": "0021", "br": "0002", "ca": "0000", "cl": "0001", "co": "0003", "cr": "0005",
    "ec": "0000", "mx": "8001", "pa": "0000", "py": "0066", "pe": "0068", "uy": "0003", "ae": "0001",
    "at": "0008", "be": "0004", "bg": "0000", "by": "0005", "hr": "0009", "cy": "0008", "cz": "0002",
    "dk": "0001", "ee": "0009", "fi": "0001", "fr": "0003", "de": "0016", "gi": "0005", "gr": "0030",
    "hu": "0005", "ie": "0005", "it": "0008", "lv": "0005", "li": "0004", "lt": "0000", "lu": "0006",
    "mt": "0007", "nl": "0002", "no": "0007", "pl": "0005", "pt": "0007", "ro": "0001", "sa": "0007",
    "si": "0006", "sk": "0001", "es": "0007", "se": "0008", "ch": "0009", "gb": "0000", "au": "0006",
    "cn": "0002", "hk": "0004", "in": "0008", "jp": "0003", "my": "0002", "nz": "0008", "sg": "0003",
    "tw": "0008",
}  # fmt: skip

_NATIONAL = [
    Token(name="pm_card_gb_debit", last4="0005", funding="debit", country="GB"),
    Token(name="pm_card_gb_mastercard", brand="mastercard", last4="4449", country="GB"),
    Token(name="pm_card_th_credit", last4="0003", country="TH"),
    Token(name="pm_card_th_debit", last4="0008", funding="debit", country="TH"),
    Token(name="pm_card_visa_cartesBancaires", last4="1001", country="FR"),
    Token(name="pm_card_mastercard_cartesBancaires", brand="mastercard", last4="1001", country="FR"),
]

# Stripe spells some of these with `visa_` and some without; both spellings of each are accepted here.
_DECLINES = [
    ("chargeDeclined", "0002", "card_declined", "generic_decline"),
    ("chargeDeclinedInsufficientFunds", "9995", "card_declined", "insufficient_funds"),
    ("chargeDeclinedLostCard", "9987", "card_declined", "lost_card"),
    ("chargeDeclinedStolenCard", "9979", "card_declined", "stolen_card"),
    ("chargeDeclinedFraudulent", "0019", "card_declined", "fraudulent"),
    ("chargeDeclinedVelocityLimitExceeded", "6975", "card_declined", "card_velocity_exceeded"),
    ("chargeDeclinedExpiredCard", "0069", "expired_card", None),
    ("chargeDeclinedIncorrectCvc", "0127", "incorrect_cvc", None),
    ("chargeDeclinedProcessingError", "0119", "processing_error", None),
    ("chargeCustomerFail", "0341", "card_declined", "generic_decline"),
]

_RISK = [
    Token(
        name="pm_card_radarBlock", last4="0019", outcome="declined",
        code="card_declined", decline_code="fraudulent",
    ),
    Token(name="pm_card_riskLevelHighest", last4="4954"),
    Token(name="pm_card_riskLevelElevated", last4="9235"),
    Token(name="pm_card_cvcCheckFail", last4="0101"),
    Token(name="pm_card_cvcCheckFailElevatedRisk", last4="7872"),
    Token(name="pm_card_avsZipFail", last4="0036"),
    Token(name="pm_card_avsZipFailElevatedRisk", last4="6072"),
    Token(name="pm_card_avsLine1Fail", last4="0028"),
    Token(name="pm_card_avsFail", last4="0010"),
    Token(name="pm_card_avsUnchecked", last4="0044"),
]  # fmt: skip

_ACTION = [
    Token(name="pm_card_authenticationRequired", last4="3184", outcome="requires_action"),
    Token(name="pm_card_authenticationRequiredOnSetup", last4="3155", outcome="requires_action"),
    Token(name="pm_card_authenticationRequiredSetupForOffSession", last4="0446"),
    Token(
        name="pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", last4="3178",
        outcome="requires_action", after_action="declined",
        code="card_declined", decline_code="insufficient_funds",
    ),
    Token(name="pm_card_threeDSecure2Required", last4="3220", outcome="requires_action"),
    Token(name="pm_card_threeDSecureRequired", last4="3063", outcome="requires_action"),
    Token(
        name="pm_card_threeDSecureRequiredChargeDeclined", last4="1629",
        outcome="requires_action", after_action="declined",
        code="card_declined", decline_code="generic_decline",
    ),
    Token(
        name="pm_card_threeDSecureRequiredProcessingError", last4="1280",
        outcome="requires_action", after_action="declined", code="processing_error",
    ),
    Token(name="pm_card_threeDSecureOptional", last4="3055"),
    Token(name="pm_card_amex_threeDSecureNotSupported", brand="amex", last4="0005"),
]  # fmt: skip

_AFTERWARDS = [
    Token(name="pm_card_bypassPending", last4="0077"),
    Token(name="pm_card_bypassPendingInternational", last4="0278", country="EE"),
    Token(name="pm_card_refundFail", last4="5126", refunds="declined"),
    Token(name="pm_card_createDispute", last4="0259", dispute="fraudulent"),
    Token(name="pm_card_createDisputeProductNotReceived", last4="2685", dispute="product_not_received"),
    Token(name="pm_card_createDisputeInquiry", last4="1976", dispute="inquiry"),
]

_OURS = [
    Token(name="pm_card_slow", last4="9001", behaviour="slow", note="charged; answers after 3 s"),
    Token(name="pm_card_timeout", last4="9002", behaviour="timeout", note="charged; answers after 30 s"),
    Token(
        name="pm_card_timeoutNoCharge", last4="9003", behaviour="timeout_no_charge",
        note="not charged; 30 s of silence, then the connection is closed",
    ),
    Token(
        name="pm_card_resetAfterCharge", last4="9004", behaviour="reset",
        note="charged; the connection is reset instead of an answer",
    ),
    Token(
        name="pm_card_wrongReference", last4="9005", behaviour="wrong_reference",
        note="charged; the answer carries another reference",
    ),
    Token(
        name="pm_card_truncated", last4="9006", behaviour="truncated",
        note="charged; 200 with half of the JSON",
    ),
    Token(name="pm_card_error500", last4="9007", behaviour="error", note="not charged; 500"),
]  # fmt: skip


def _branded() -> list[Token]:
    return [Token(name=n, brand=b, last4=last4, funding=f) for n, b, last4, f in _BRANDS]


def _international() -> list[Token]:
    return [Token(name=f"pm_card_{c}", last4=last4, country=c.upper()) for c, last4 in _COUNTRIES.items()]


def _declines() -> list[Token]:
    return [
        Token(name=prefix + name, last4=last4, outcome="declined", code=code, decline_code=decline)
        for name, last4, code, decline in _DECLINES
        for prefix in ("pm_card_", "pm_card_visa_")
    ]


TOKENS: dict[str, Token] = {
    token.name: token
    for token in (
        *_branded(), *_international(), *_NATIONAL, *_declines(), *_RISK, *_ACTION, *_AFTERWARDS, *_OURS
    )
}  # fmt: skip

# A token nobody issued: declined, so that a typing error in a test does not pass for a payment.
UNKNOWN = Token(name="", brand="unknown", last4="0000", funding="credit", outcome="declined", code="invalid_payment_method")


def find(name: str) -> Token:
    """The token of that name, or the one that is always declined."""
    return TOKENS.get(name, UNKNOWN)


def card(token: Token) -> dict[str, Any]:
    """The card as answers show it; `fingerprint` is equal for equal cards whatever the token's name."""
    fields = ("brand", "last4", "exp_month", "exp_year", "funding", "country")
    shown: dict[str, Any] = {field: getattr(token, field) for field in fields}
    identity = f"{token.brand}:{token.last4}:{token.funding}:{token.country}"
    shown["fingerprint"] = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    return shown


# Encoded once: an answer embeds these bytes as they are.
CARDS: dict[str, Raw] = {token.name: Raw(msgspec.json.encode(card(token))) for token in (*TOKENS.values(), UNKNOWN)}
