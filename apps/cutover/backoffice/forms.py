"""What people fill in to throw a switch."""

from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.errors import InvalidId
from apps.core.ids import decode
from apps.cutover.domain import CLASSIC, ENDPOINTS, EVERY, HOT

SHARE, INHERIT = "share", "inherit"
_ENDPOINTS = [(name, name) for name in ENDPOINTS]
_WAYS = [
    (HOT, "Hot: all of its requests"),
    (SHARE, "A share of its requests goes hot"),
    (CLASSIC, "Classic: all of its requests"),
    (INHERIT, "No say of its own: the less specific switch decides"),
]

_FEWER = "If there were fewer, the others are taken to be good: what would be too many even so is too many at once."


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=500, label="Why", widget=UnfoldAdminTextInputWidget, help_text="Stays in the history, with your name and the time."
    )


class ThrowForm(ReasonForm):
    endpoint = forms.ChoiceField(choices=[(EVERY, "Every endpoint"), *_ENDPOINTS], widget=UnfoldAdminSelectWidget, label="Endpoint")
    merchant = forms.CharField(
        required=False, label="Merchant", widget=UnfoldAdminTextInputWidget, help_text="An account (acct_…); empty: all merchants."
    )
    way = forms.ChoiceField(choices=_WAYS, widget=UnfoldAdminSelectWidget, label="Where its requests go")
    percent = forms.IntegerField(
        required=False, min_value=0, max_value=100, widget=UnfoldAdminIntegerFieldWidget, label="Share that goes hot, in percent",
        help_text="For a share only. A higher share adds to the requests that went hot before; a retry goes the way of its first try.",
    )  # fmt: skip
    field_order = ("endpoint", "merchant", "way", "percent", "reason")

    def clean_merchant(self) -> UUID | None:
        text = self.cleaned_data["merchant"].strip()
        try:
            return decode("acct", text, "merchant") if text else None
        except InvalidId as error:
            raise forms.ValidationError(error.text) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("way") == SHARE and cleaned.get("percent") is None and "percent" not in self.errors:
            self.add_error("percent", "Say how many percent go hot.")
        return cleaned

    @property
    def hot_percent(self) -> int | None:
        """What the answers mean."""
        shares: dict[str, int | None] = {HOT: 100, CLASSIC: 0, INHERIT: None, SHARE: self.cleaned_data["percent"]}
        return shares[self.cleaned_data["way"]]


class LimitForm(ReasonForm):
    max_error_percent = forms.DecimalField(
        required=False, min_value=0, max_value=100, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget,
        label="Failures: at most, in percent of the hot requests", help_text="Empty: failures never turn it classic.",
    )  # fmt: skip
    min_requests = forms.IntegerField(
        min_value=1, widget=UnfoldAdminIntegerFieldWidget, label="… among at least so many requests", help_text=_FEWER
    )
    window_s = forms.IntegerField(
        min_value=5,
        max_value=3600,
        widget=UnfoldAdminIntegerFieldWidget,
        label="… within so many seconds",
        help_text="Longer, up to an hour, while there were fewer requests than that.",
    )
    max_difference_percent = forms.DecimalField(
        required=False, min_value=0, max_value=100, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget,
        label="Differences: at most, in percent of the answers that were compared", help_text="Empty: differences never turn it classic.",
    )  # fmt: skip
    min_compared = forms.IntegerField(
        min_value=1, widget=UnfoldAdminIntegerFieldWidget, label="… among at least so many comparisons", help_text=_FEWER
    )
    field_order = ("max_error_percent", "min_requests", "window_s", "max_difference_percent", "min_compared", "reason")


class RollBackForm(ReasonForm):
    to = forms.ChoiceField(choices=[(HOT, HOT), (CLASSIC, CLASSIC)])
    endpoint = forms.ChoiceField(choices=[(EVERY, EVERY), *_ENDPOINTS], required=False)
