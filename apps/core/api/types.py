"""Types that several shapes share. A field's constraints are declared here once: the decoder enforces
them and the OpenAPI document shows them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from apps.core.money import CURRENCIES

MAX_AMOUNT = 99_999_999_999
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
# A pattern ends with \Z: to Python, $ is also there before a last line break.
CURRENCY_PATTERN = rf"^(?:{'|'.join(sorted(CURRENCIES))})\Z"
CURSOR_PATTERN = r"^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}\Z"

# What an error says about a value that does not match its pattern, by the pattern's repr: so errors name it.
PATTERN_REASONS: dict[str, str] = {}


def explain(reasons: Mapping[str, str]) -> None:
    """From now on a value that does not match a pattern of `reasons` is refused in its words."""
    PATTERN_REASONS.update({repr(pattern)[1:-1]: reason for pattern, reason in reasons.items()})


explain(
    {
        CURRENCY_PATTERN: "it must be the lower-case ISO 4217 code of a currency that Florin settles in.",
        CURSOR_PATTERN: "it must be the id of an object of this list.",
    }
)


if TYPE_CHECKING:
    # A type checker asks every subclass of a frozen class to say so again, so to it they are not frozen.
    _Frozen = msgspec.Struct
else:

    class _Frozen(msgspec.Struct, frozen=True):
        """Shapes do not change."""


class Shape(_Frozen, forbid_unknown_fields=True, kw_only=True):
    """Base of every request shape: unknown parameters are refused by name."""


class ObjectShape(_Frozen, kw_only=True, gc=False):
    """Base of every response shape: documents what a renderer returns, or is what it returns."""


Amount = Annotated[
    int, Meta(ge=1, le=MAX_AMOUNT, description="A positive integer in the currency's minor unit (1050 for €10.50, 1050 for ¥1050).")
]
Currency = Annotated[
    str,
    Meta(
        pattern=CURRENCY_PATTERN,
        description="Three-letter ISO 4217 code, lower case.",
        examples=["eur"],
    ),
]
MetadataKey = Annotated[str, Meta(min_length=1, max_length=40)]
MetadataValue = Annotated[str, Meta(max_length=500)]
Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Meta(max_length=50, description="Up to 50 keys of your own (≤40 characters) with text values (≤500). An empty value removes its key."),
]
Expand = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z_]+(?:\.[a-z_]+){0,3}\Z")]],
    Meta(max_length=20, description="Fields to return as whole objects instead of ids."),
]
Description = Annotated[str, Meta(max_length=1000, description="For people; shown on receipts and statements.")]
Timestamp = Annotated[int, Meta(ge=0, le=LAST_SECOND, description="Unix time in seconds.")]
Cursor = Annotated[str, Meta(min_length=1, max_length=64, pattern=CURSOR_PATTERN)]


class CreatedRange(Shape):
    """Bounds on the time of creation (Unix seconds)."""

    gt: Timestamp | None = None
    gte: Timestamp | None = None
    lt: Timestamp | None = None
    lte: Timestamp | None = None


Limit = Annotated[int, Meta(ge=1, le=100, description="How many objects a page holds.")]


class ListParams(Shape):
    """What every list takes. Newest first; page on with the last id as `starting_after`."""

    limit: Limit = 10
    starting_after: Annotated[Cursor, Meta(description="The id after which the page starts.")] | None = None
    ending_before: Annotated[Cursor, Meta(description="The id before which the page ends.")] | None = None
    created: Timestamp | CreatedRange | None = None
    expand: Expand = []


def merged_metadata(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
    """`old` with the keys of `new` set, and those whose new value is empty removed. None clears all."""
    if new is None:
        return {}
    merged = {**old, **new}
    return {name: value for name, value in merged.items() if value != ""}
