"""What others promise, beside what was measured here: the least favourable load named, and whether it was reached."""

from scripts.docs.charts import number
from scripts.docs.results import Result
from scripts.docs.runs import trouble

HOT, CLASSIC, PERSISTENT = "Florin hot", "classic", "classic persistent"
NEW = "Florin hot, nothing shown before"
# What a reader sees of it: load, who is asked, beside whom.
_LOADS = {
    "create": ("create, 32 connections", HOT, CLASSIC),
    "transfer": ("transfer, 32 connections", HOT, CLASSIC),
    "confirm": ("confirm, 32 connections", HOT, CLASSIC),
    "get": ("get, 32 connections", HOT, CLASSIC),
    "list": ("list, 32 connections", HOT, CLASSIC),
    "list never shown before": ("list, 32 connections", NEW, CLASSIC),
    "create, persistent connections": ("create, 256 connections", HOT, PERSISTENT),
    "transfer, persistent connections": ("transfer, 256 connections", HOT, PERSISTENT),
}
_CLAIMS = (
    ("responses 60 % faster (2.5×)", "median response time", "p50", 2.5),
    ("5× the throughput", "requests a second", "rate", 5),
    ("100× the requests", "requests a second", "rate", 100),
    ("p99 to a fifth (5×)", "p99", "p99", 5),
)
_CROWD = "create, 5000 connections"


def table(targets: Result) -> str:
    rows = [_claim(targets, *claim) for claim in _CLAIMS]
    head = ["| others promise | Florin beside classic | reached? |", "|---|---|---|"]
    return "\n".join([*head, *rows, _crowd(targets)])


def _claim(targets: Result, claim: str, words: str, quantity: str, wanted: float) -> str:
    found = {name: times for name, load in _LOADS.items() if (times := _times(targets, *load, quantity))}
    if not found:
        return f"| {claim} | not measured | |"
    each = ", ".join(f"{name} {number(times)}×" for name, times in sorted(found.items(), key=lambda one: one[1]))
    many = sum(times >= wanted for times in found.values())
    verdict = "by all" if many == len(found) else f"**by {many} of {len(found)}**" if many else "**no**"
    return f"| {claim} | {words}, least favourable first: {each} | {verdict} |"


def _times(targets: Result, load: str, ours: str, theirs: str, quantity: str) -> float | None:
    """How many times better the medians are."""
    mine, other = targets.find(load, ours, quantity), targets.find(load, theirs, quantity)
    if not mine or not other or not mine["value"] or not other["value"]:
        return None
    return float(mine["value"] / other["value"] if quantity == "rate" else other["value"] / mine["value"])


def _crowd(targets: Result) -> str:
    claim, found = "5,000 concurrent connections, nothing dropped", targets.loads.get(_CROWD, {}).get(HOT, {})
    if "rate" not in found:
        return f"| {claim} | not measured | |"
    lost = sum(found[name]["value"] for name in ("connections lost", "timeouts") if name in found)
    told = f"; {words}" if (words := trouble(found)) else ""
    here = f"{number(lost)} dropped or without an answer{told}; {number(found['rate']['value'])} payments a second were accepted"
    return f"| {claim} | {here}, p99 {number(found['p99']['value'])} ms | {'yes' if not lost else '**no**'} |"
