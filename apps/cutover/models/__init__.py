"""Who goes which way, who said so, and how it goes."""

from apps.cutover.models.shadow import Difference, Sample, ShadowRate, Tally
from apps.cutover.models.switch import Change, Notice, Outcome, Switch

__all__ = ["Change", "Difference", "Notice", "Outcome", "Sample", "ShadowRate", "Switch", "Tally"]
