"""The classic way: the same product as most Django teams have it, with sync workers, DRF and the ORM.

It does the work that Florin does for the same request and leaves the same rows behind: the API key is
looked up by its hash, the idempotency record holds fingerprint and answer, serializers check what is
asked and render what is answered, money moves by balanced postings under `select_for_update`, and every
change leaves an event and its outbox row. A confirmed payment asks the sandbox acquirer between two
transactions. What Florin does beyond that (rate limits, card data filter, partitions, seals, guards in
the database) it is spared.

Its models are its own, in a database of its own beside Florin's on the same server: the ORM's own way to
lay tables out, with its own migration, its default indexes, and no trigger of Florin's in its way. It is
neither handicapped nor tuned, but what the documentation of Django and DRF shows: `select_related` where
a relation is rendered, one transaction a write, one role, `CONN_MAX_AGE` 0 as Django's default has it, or
persistent connections ("classic persistent"), or threads on top ("classic threads").
"""

import json
import os
import subprocess
import sys

from benchmarks.contenders import Targets
from scripts.lints.base import ROOT


def lay() -> Targets:
    """Fresh tables with merchants, money and payments to read."""
    return Targets(**json.loads(_run("lay")))


def clean() -> None:
    """Its database is gone."""
    _run("clean")


def _run(command: str) -> str:
    """In a process of its own: this one's Django is set up for Florin."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.classic.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.classic", command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout
