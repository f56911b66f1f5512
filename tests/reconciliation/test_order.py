"""The same lines in any order and in any number of files end in the same groups and the same breaks."""

import random
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.core import db
from tests.payments.shop import Shop
from tests.reconciliation.files import Entry, Line, new_payout
from tests.reconciliation.world import World

# What a file may say of one payment: its line, one of another amount, the line once more, a second claim, or nothing.
SAYINGS = ("exact", "wrong", "repeated", "claimed_twice", "missing", "exact", "exact")
PAYOUTS = ("exact", "wrong", "twice", "missing", "exact")
payments = st.lists(st.tuples(st.sampled_from(SAYINGS), st.integers(0, 1)), min_size=1, max_size=4)
payouts = st.tuples(st.sampled_from(PAYOUTS), st.sampled_from(PAYOUTS))


def lines_for(world: World, saying: str, tag: str, payout: str) -> list[Line]:
    """The lines about one new payment. Their ids tell them apart after the import."""
    line = world.capture(1_000).line(line_id=tag, payout=payout)
    return {
        "exact": [line],
        "wrong": [replace(line, gross=1_001)],
        "repeated": [line, line],
        "claimed_twice": [line, replace(line, line_id=f"{tag}b")],
        "missing": [],
    }[saying]


def entries_for(what: str, net: int, tag: str, payout: str) -> list[Entry]:
    entry = Entry(amount=net, reference=payout, bank_reference=tag)
    return {
        "exact": [entry],
        "wrong": [replace(entry, amount=net + 1)],
        "twice": [entry, replace(entry, bank_reference=f"{tag}b")],
        "missing": [],
    }[what]


def play(world: World, scenario, seed: int) -> dict[str, list]:
    """Brings the scenario's lines in an order and in files that `seed` chooses, matching now and then; what came of it."""
    chance = random.Random(seed)
    sayings, said_payouts = scenario
    mark = uuid4().hex[:16]
    refs = [new_payout(), new_payout()]
    told = [(lines_for(world, saying, f"L{mark}x{n}", refs[payout]), payout) for n, (saying, payout) in enumerate(sayings)]
    lines = [line for group, _ in told for line in group]
    net = [sum({line.line_id: line.net for group, p in told if p == payout for line in group}.values()) for payout in (0, 1)]
    entries = [e for n, what in enumerate(said_payouts) if net[n] for e in entries_for(what, net[n], f"E{mark}x{n}", refs[n])]
    chance.shuffle(lines)
    chance.shuffle(entries)
    files = [("settle", part) for part in parts(lines, chance)] + [("bank", part) for part in parts(entries, chance)]
    chance.shuffle(files)
    for how, part in files:
        # A stranger's line makes each file's bytes its own: the same bytes would not even be looked into.
        world.settle(Line(), *part) if how == "settle" else world.bank(*part)
        if chance.random() < 0.5:
            world.match()
    world.match()
    return outcome(mark)


def parts(things: list, chance: random.Random) -> list[list]:
    """`things` in order, cut into one to three files."""
    cuts = sorted(chance.randrange(len(things) + 1) for _ in range(chance.randrange(3)))
    found = [things[a:b] for a, b in zip([0, *cuts], [*cuts, len(things)], strict=True)]
    return [part for part in found if part]


def outcome(mark: str) -> dict[str, list]:
    """The active groups and open breaks about lines of one scenario, without ids that differ from run to run."""
    mine = f"%{mark}x%"
    groups = db.query(
        """SELECT replace(l.external_id, %s, '') AS line, g.stage, g.amount FROM recon_source_line l
           JOIN recon_match_leg m ON m.line_id = l.id AND m.active JOIN recon_match_group g ON g.id = m.group_id
           WHERE l.external_id LIKE %s ORDER BY 1, 2""",
        [mark, mine],
    )
    breaks = db.query(
        """SELECT replace(l.external_id, %s, '') AS line, b.type, b.facts ->> 'why' AS why FROM recon_source_line l
           JOIN recon_break b ON b.subject_id = l.id AND b.state = 'open' WHERE l.external_id LIKE %s ORDER BY 1, 2, 3""",
        [mark, mine],
    )
    return {"groups": [tuple(row.values()) for row in groups], "breaks": [tuple(row.values()) for row in breaks]}


@pytest.fixture(scope="module")
def shop_world(make_merchant, sandbox: str) -> World:
    return World(Shop(make_merchant()))


@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(scenario=st.tuples(payments, payouts), one=st.integers(0, 2**20), other=st.integers(0, 2**20))
def test_the_order_in_which_files_come_does_not_matter(shop_world: World, scenario, one: int, other: int) -> None:
    assert play(shop_world, scenario, one) == play(shop_world, scenario, other)


def test_every_saying_at_once_ends_alike_in_ten_orders(shop_world: World) -> None:
    scenario = ([(saying, n % 2) for n, saying in enumerate(SAYINGS)], ("exact", "twice"))
    first = play(shop_world, scenario, 0)
    assert len(first["groups"]) == 5
    assert all(play(shop_world, scenario, seed) == first for seed in range(1, 6))
