"""What a merchant may ask of payments, each parameter declared once: the decoder enforces it, the
API's documents show it, flows and services take it as it is."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from apps.core.api.types import Amount, Currency, Description, Expand, ListParams, Metadata, Shape, explain

URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?(?:[/?#][!-\[\]-~]*)?\Z"
EMAIL_PATTERN = r"^[^@\s<>]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?\.[A-Za-z0-9\-]{2,63}\Z"
DESCRIPTOR_PATTERN = r"""^[^<>\\'"*\r\n]{1,22}\Z"""
METHOD_PATTERN = r"^pm_[A-Za-z0-9_]{1,80}\Z"
TOKEN_PATTERN = r"^tok_[A-Za-z0-9_]{1,80}\Z"  # noqa: S105  (what a token looks like, not one)
explain(
    {
        URL_PATTERN: "it must be an http or https URL without a user name.",
        EMAIL_PATTERN: "it must be an e-mail address.",
        DESCRIPTOR_PATTERN: "it must have 1 to 22 characters, none of them < > \\ ' \" or *.",
        METHOD_PATTERN: "it must be the id of a payment method (pm_…).",
        TOKEN_PATTERN: "it must be a token (tok_…).",
    }
)

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=250)]
Email = Annotated[str, Meta(max_length=254, pattern=EMAIL_PATTERN, description="An e-mail address.")]
Url = Annotated[str, Meta(max_length=2048, pattern=URL_PATTERN, description="An http or https URL.")]
Descriptor = Annotated[
    str,
    Meta(max_length=22, pattern=DESCRIPTOR_PATTERN, description="Shown on the card statement."),
]
MethodId = Annotated[
    str,
    Meta(
        pattern=METHOD_PATTERN,
        description="A payment method's id, or one of the gateway's test methods.",
    ),
]
CardOnly = Annotated[list[Literal["card"]], Meta(min_length=1, max_length=1, description="Only `card`.")]
CaptureMethod = Literal["automatic", "automatic_async", "manual"]
Usage = Literal["on_session", "off_session"]


class Address(Shape):
    """A postal address; `country` is the two-letter ISO 3166 code."""

    city: Text | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    line1: Text | None = None
    line2: Text | None = None
    postal_code: Text | None = None
    state: Text | None = None


class Shipping(Shape, kw_only=True):
    """Where the goods go."""

    address: Address
    name: Text
    phone: Text | None = None
    carrier: Text | None = None
    tracking_number: Text | None = None


class BillingDetails(Shape):
    """Whose card it is."""

    address: Address | None = None
    email: Email | None = None
    name: Text | None = None
    phone: Text | None = None
    tax_id: Text | None = None


class AutomaticPaymentMethods(Shape, kw_only=True):
    """Florin offers what suits the payment: cards."""

    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class CardOptions(Shape):
    """The bank decides on 3-D Secure."""

    request_three_d_secure: Literal["automatic"] = "automatic"


class PaymentMethodOptions(Shape):
    card: CardOptions | None = None


class Confirmation(Shape):
    """What a confirmation takes, alone or together with the creation."""

    payment_method: MethodId | None = None
    payment_method_types: CardOnly | None = None
    payment_method_options: PaymentMethodOptions | None = None
    return_url: Annotated[Url, Meta(description="Where the customer comes back to after the bank's page.")] | None = None
    off_session: Annotated[bool, Meta(description="The customer is not there: a challenge is a refusal.")] | None = None
    error_on_requires_action: Annotated[bool, Meta(description="As off_session, with the customer there.")] = False
    receipt_email: Annotated[Email, Meta(description="Gets a receipt once the payment is captured.")] | None = None
    setup_future_usage: Usage | None = None
    shipping: Shipping | None = None
    use_stripe_sdk: Annotated[bool, Meta(description="Taken for compatibility; the customer is always redirected.")] | None = None
    expand: Expand = []


class CreatePaymentIntent(Confirmation, kw_only=True):
    amount: Amount
    currency: Currency
    confirm: Annotated[bool, Meta(description="Confirm at once.")] = False
    customer: Id | None = None
    capture_method: CaptureMethod = "automatic"
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    description: Description | None = None
    statement_descriptor: Descriptor | None = None
    statement_descriptor_suffix: Descriptor | None = None
    metadata: Metadata | None = {}
    transfer_group: Text | None = None


class ConfirmPaymentIntent(Confirmation):
    pass


class CapturePaymentIntent(Shape):
    amount_to_capture: Annotated[Amount, Meta(description="At most the amount capturable, which is the default.")] | None = None
    final_capture: Annotated[Literal[True], Meta(description="An authorisation is captured once.")] = True
    expand: Expand = []


class CancelPaymentIntent(Shape):
    cancellation_reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None
    expand: Expand = []


class UpdatePaymentIntent(Shape):
    """What is left out stays; an empty value unsets."""

    amount: Amount | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    capture_method: CaptureMethod | UnsetType = UNSET
    customer: Id | UnsetType | None = UNSET
    payment_method: MethodId | UnsetType | None = UNSET
    payment_method_types: CardOnly | UnsetType = UNSET
    payment_method_options: PaymentMethodOptions | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    statement_descriptor: Descriptor | UnsetType | None = UNSET
    statement_descriptor_suffix: Descriptor | UnsetType | None = UNSET
    receipt_email: Email | UnsetType | None = UNSET
    setup_future_usage: Usage | UnsetType | None = UNSET
    shipping: Shipping | UnsetType | None = UNSET
    transfer_group: Text | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    expand: Expand = []


class Retrieve(Shape):
    expand: Expand = []


class ListPaymentIntents(ListParams):
    customer: Annotated[Id, Meta(description="Only this customer's.")] | None = None


class ListCharges(ListParams):
    customer: Annotated[Id, Meta(description="Only this customer's.")] | None = None
    payment_intent: Annotated[Id, Meta(description="Only this payment intent's.")] | None = None


class CreateRefund(Shape, kw_only=True):
    """Of a charge, or of the latest charge of a payment intent."""

    charge: Id | None = None
    payment_intent: Id | None = None
    amount: Annotated[Amount, Meta(description="By default all that is left.")] | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata | None = {}
    expand: Expand = []


class Page(ListParams):
    """A page of a list that has no filters of its own."""


class UpdateMetadata(Shape):
    metadata: Metadata | UnsetType | None = UNSET
    expand: Expand = []


class ListRefunds(ListParams):
    charge: Annotated[Id, Meta(description="Only this charge's.")] | None = None
    payment_intent: Annotated[Id, Meta(description="Only this payment intent's.")] | None = None


class InvoiceSettings(Shape):
    default_payment_method: Annotated[Id, Meta(description="A payment method of this customer.")] | None = None


class CreateCustomer(Shape):
    name: Text | None = None
    email: Email | None = None
    phone: Text | None = None
    description: Description | None = None
    address: Address | None = None
    shipping: Shipping | None = None
    metadata: Metadata | None = {}
    payment_method: Annotated[MethodId, Meta(description="Is attached to the new customer.")] | None = None
    invoice_settings: InvoiceSettings | None = None
    expand: Expand = []


class UpdateCustomer(Shape):
    """What is left out stays; an empty value unsets."""

    name: Text | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Text | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    address: Address | UnsetType | None = UNSET
    shipping: Shipping | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    invoice_settings: InvoiceSettings | UnsetType = UNSET
    expand: Expand = []


class ListCustomers(ListParams):
    email: Annotated[str, Meta(min_length=1, max_length=254, description="Exactly this address.")] | None = None


class CardToken(Shape, kw_only=True):
    """A card as the token that the gateway gave for it; never its number."""

    token: Annotated[str, Meta(pattern=TOKEN_PATTERN)]


class CreatePaymentMethod(Shape, kw_only=True):
    type: Literal["card"]
    card: CardToken
    billing_details: BillingDetails | None = None
    metadata: Metadata | None = {}
    expand: Expand = []


class UpdatePaymentMethod(Shape):
    billing_details: BillingDetails | UnsetType = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    expand: Expand = []


class AttachPaymentMethod(Shape, kw_only=True):
    customer: Id
    expand: Expand = []


class ListPaymentMethods(ListParams):
    customer: Annotated[Id, Meta(description="Whose payment methods.")] | None = None
    type: Literal["card"] = "card"


class ListOfCustomer(ListParams):
    type: Literal["card"] = "card"


class CreateTransfer(Shape, kw_only=True):
    """From the caller's available balance to another merchant's."""

    amount: Amount
    currency: Currency
    destination: Annotated[Id, Meta(description="The other merchant's account id (acct_…).")]
    description: Description | None = None
    metadata: Metadata | None = {}
    transfer_group: Text | None = None
    source_type: Literal["card"] = "card"
    expand: Expand = []


class ListTransfers(ListParams):
    destination: Annotated[Id, Meta(description="Only to this account.")] | None = None
    transfer_group: Text | None = None


class ListBalanceTransactions(ListParams):
    type: Literal["charge", "refund", "transfer", "payment"] | None = None
    source: Annotated[Id, Meta(description="Only those of this object.")] | None = None
    currency: Currency | None = None


class Nothing(Shape):
    """No parameters."""


def plain(value: msgspec.Struct | None) -> dict[str, object] | None:
    """A nested parameter as a plain dict."""
    return None if value is None else msgspec.to_builtins(value)
