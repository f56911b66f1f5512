"""Who goes which way, who said so, and how it goes."""

from apps.cutover.models.shadow import Difference, Sample, ShadowRate, Tally
from apps.cutover.models.switch import Change, Outcome, Switch

__all__ = ["Change", "Difference", "Outcome", "Sample", "ShadowRate", "Switch", "Tally"]
