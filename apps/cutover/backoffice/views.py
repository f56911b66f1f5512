"""The pages on which switches are thrown. Whoever may change switches may; everything says why."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin

from apps.core.errors import FlorinError
from apps.core.ids import decode
from apps.cutover import selectors, services
from apps.cutover.backoffice.forms import INHERIT, SHARE, LimitForm, RollBackForm, ThrowForm
from apps.cutover.domain import CLASSIC, ENDPOINTS, EVERY, HOT
from apps.cutover.models import Change

F = TypeVar("F", bound=forms.Form)
_LONGEST = 19  # digits of a bigint
THRESHOLDS = ("max_error_percent", "min_requests", "window_s", "max_difference_percent", "min_compared")


class ChangePage(UnfoldModelAdminViewMixin, FormView):  # type: ignore[misc,type-arg]
    """A form that changes switches and leads back to them."""

    permission_required = ("cutover.change_switch",)
    template_name = "cutover/change.html"
    explanation = ""
    button = "Save"

    @property
    def actor(self) -> str:
        return str(self.request.user.get_username())

    @property
    def seen(self) -> int:
        """The latest change that the person at the form has been shown."""
        sent = self.request.POST.get("seen", "")
        return int(sent) if sent.isdecimal() and len(sent) < _LONGEST else 0

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        seen = self.seen if self.request.method == "POST" else selectors.latest_change()
        return {"seen": seen} | context | {"explanation": self.explanation, "button": self.button}

    def changed(self, form: F, change: Callable[[F], str]) -> HttpResponse:
        """What `change` says it did; or the form again, with what is wrong with it."""
        try:
            messages.success(self.request, change(form))
        except services.Overtaken as overtaken:
            form.add_error(None, _told(overtaken.changes))
            return self.overtaken(form, overtaken.changes[0].id)
        except FlorinError as error:
            form.add_error(error.param if error.param in form.fields else None, error.text)
            return self.form_invalid(form)
        return redirect("admin:cutover_switch_changelist")

    def overtaken(self, form: forms.Form, latest: int) -> HttpResponse:
        """The form again, for somebody who now knows what others did."""
        return self.render_to_response(self.get_context_data(form=form, seen=latest))


def _told(changes: list[Change]) -> str:
    """What others did while somebody looked at a form."""
    first = changes[0]
    more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
    return (
        f"Nothing was changed: meanwhile {first.actor} changed {first.what}, because: {first.reason}{more}."
        " If what you want is still right, send it again."
    )


class ThrowPage(ChangePage):
    title = "Throw a switch"
    form_class = ThrowForm
    explanation = "Every process follows within a second. The most specific switch decides: endpoint and merchant, endpoint, merchant, all."
    button = "Throw the switch"

    def get_initial(self) -> dict[str, Any]:
        endpoint, merchant = self.request.GET.get("endpoint", EVERY), self.request.GET.get("merchant", "")
        try:
            switch = selectors.switch(endpoint, decode("acct", merchant) if merchant else None)
        except FlorinError:
            return {"endpoint": endpoint}
        ways = {None: INHERIT, 100: HOT, 0: CLASSIC}
        way = self.request.GET.get("way") or (ways.get(switch.hot_percent, SHARE) if switch.changed_by else HOT)
        return {"endpoint": endpoint, "merchant": merchant, "way": way, "percent": switch.hot_percent}

    def form_valid(self, form: ThrowForm) -> HttpResponse:
        return self.changed(form, self._throw)

    def _throw(self, form: ThrowForm) -> str:
        said = form.cleaned_data
        where = {"endpoint": said["endpoint"], "merchant_id": said["merchant"]}
        changed = services.throw(**where, hot_percent=form.hot_percent, actor=self.actor, reason=said["reason"], seen=self.seen)
        apart = selectors.out_of_reach(**where)
        if apart:
            messages.warning(self.request, selectors.said_of(apart))
        return "The switch is thrown. Every process follows within a second." if changed else "It was so already."


class LimitPage(ChangePage):
    form_class = LimitForm
    explanation = (
        "Above these thresholds the endpoint is turned classic by itself, and stays so until somebody turns it hot again."
        " What happened before it was last switched does not count."
    )

    @property
    def title(self) -> str:
        return f"When {self.endpoint} turns classic by itself"

    @property
    def endpoint(self) -> str:
        endpoint: str = self.kwargs["endpoint"]
        if endpoint not in ENDPOINTS:
            raise Http404
        return endpoint

    def get_initial(self) -> dict[str, Any]:
        switch = selectors.switch(self.endpoint)
        return {name: getattr(switch, name) for name in THRESHOLDS}

    def form_valid(self, form: LimitForm) -> HttpResponse:
        return self.changed(form, self._limit)

    def _limit(self, form: LimitForm) -> str:
        thresholds = {name: form.cleaned_data[name] for name in THRESHOLDS}
        changed = services.limit(endpoint=self.endpoint, actor=self.actor, reason=form.cleaned_data["reason"], seen=self.seen, **thresholds)
        return f"The thresholds of {self.endpoint} are set." if changed else "They were so already."


class RollBackPage(ChangePage):
    """One click, from the list of switches."""

    title = "Roll back"
    form_class = RollBackForm
    http_method_names = ["post"]

    def form_valid(self, form: RollBackForm) -> HttpResponse:
        return self.changed(form, self._roll_back)

    def overtaken(self, form: forms.Form, latest: int) -> HttpResponse:
        messages.error(self.request, " ".join(str(text) for text in form.non_field_errors()))
        return redirect("admin:cutover_switch_changelist")

    def form_invalid(self, form: RollBackForm) -> HttpResponse:
        messages.error(self.request, "Nothing was changed: " + " ".join(str(text) for texts in form.errors.values() for text in texts))
        return redirect("admin:cutover_switch_changelist")

    def _roll_back(self, form: RollBackForm) -> str:
        said = form.cleaned_data
        endpoint = said["endpoint"] or EVERY
        # Nobody who rolls back has to look first; who turns everything hot may not undo what he has not seen.
        seen = self.seen if said["to"] == HOT else None
        many = services.roll_back(endpoint=endpoint, to=said["to"], actor=self.actor, reason=said["reason"], seen=seen)
        what = "Everything" if endpoint == EVERY else endpoint
        return f"{what} goes {said['to']}. Every process follows within a second." if many else f"{what} went {said['to']} already."


def may_change(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("cutover.change_switch"))
