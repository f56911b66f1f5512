"""Which calls misbehave and how: by the token charged, or at the rates that a test has set."""

import random
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from sandbox.shapes import Rate, Refused
from sandbox.tokens import Behaviour

Seconds = Annotated[float, Meta(ge=0, le=3600)]


class FaultSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`POST /control/faults`: a field left out has its default, so `{}` is good behaviour again."""

    latency_ms: Annotated[float, Meta(ge=0, le=600_000)] = 0
    timeout_rate: Rate = 0
    error_rate: Rate = 0
    reset_after_rate: Rate = 0
    drip_rate: Rate = 0
    truncated_rate: Rate = 0
    wrong_reference_rate: Rate = 0
    seed: int | None = None
    blackhole: bool = False
    lookup_404_s: Seconds = 0
    slow_s: Seconds = 3
    timeout_s: Seconds = 30
    drip_s: Annotated[float, Meta(ge=0, le=60)] = 0.25


class Plan(NamedTuple):
    """How one call goes: whether the effect happens, and what the caller sees instead of the plain answer."""

    how: Behaviour = "answer"
    effect: bool = True
    status: int = 500


PLAIN = Plan()
_BY_TOKEN: dict[Behaviour, Plan] = {
    "timeout_no_charge": Plan("timeout", effect=False),
    "error": Plan("error", effect=False),
}


def plan_for_token(behaviour: Behaviour) -> Plan:
    return _BY_TOKEN.get(behaviour) or Plan(behaviour)


class Faults:
    """The settings in force and the seeded dice: equal seeds and equal order of calls give equal faults."""

    def __init__(self) -> None:
        self.set(FaultSettings())

    def set(self, settings: FaultSettings) -> None:
        rates = _rates(settings)
        if sum(rate for _, rate in rates) > 1:
            raise Refused(400, "invalid_rates", "The rates add up to more than 1.")
        self.settings = settings
        self._rates = [(how, rate) for how, rate in rates if rate]
        self._dice = random.Random(settings.seed)

    def plan(self) -> Plan:
        """The next call's fate. A timeout or an error strikes before or after the effect, evenly."""
        if not self._rates:
            return PLAIN
        drawn = self._dice.random()
        for how, rate in self._rates:
            drawn -= rate
            if drawn < 0:
                effect = how not in ("timeout", "error") or self._dice.random() < 0.5
                return Plan(how, effect, self._dice.choice((500, 502, 503)))
        return PLAIN


def _rates(settings: FaultSettings) -> list[tuple[Behaviour, float]]:
    return [
        ("timeout", settings.timeout_rate),
        ("error", settings.error_rate),
        ("reset", settings.reset_after_rate),
        ("drip", settings.drip_rate),
        ("truncated", settings.truncated_rate),
        ("wrong_reference", settings.wrong_reference_rate),
    ]
