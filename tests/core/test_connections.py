"""The connections of all programs fit into PostgreSQL, or the check says so with both numbers."""

import configparser

import pytest
from django.core.management import call_command

from apps.core.db import connections
from tests.conftest import ROOT


@pytest.mark.parametrize(("web", "workers", "sum_"), [(2, 2, 31), (16, 16, 227)])
def test_without_a_pooler_every_process_brings_its_own(web: int, workers: int, sum_: int, settings) -> None:
    settings.POOLED = False
    assert connections.wanted(web, workers) == sum_


@pytest.mark.parametrize(("hot_pooled", "sums"), [(False, (40, 121)), (True, (32, 57))])
def test_behind_a_pooler_only_the_hot_lines_and_the_control_connections_grow(hot_pooled: bool, sums: tuple[int, int], settings) -> None:
    settings.POOLED, settings.HOT_POOLED = True, hot_pooled
    assert (connections.wanted(2, 2), connections.wanted(16, 16)) == sums


def test_the_pooler_s_sizes_are_those_of_the_deployed_configuration() -> None:
    deployed = configparser.ConfigParser(interpolation=None)
    deployed.read(ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini")
    sizes = [deployed.getint("pgbouncer", name) for name in ("default_pool_size", "reserve_pool_size", "max_db_connections")]
    assert sizes == [connections.POOL, connections.RESERVE, connections.MOST_POOLED]


def test_too_many_processes_are_warned_of_with_both_numbers(database: str, settings, capsys) -> None:
    settings.WEB_PROCESSES, room = 100, connections.room()
    call_command("check", databases=["default"])
    said = capsys.readouterr().err
    assert "florin.W020" in said
    assert f"100 web and 2 worker processes open up to 1305 connections; PostgreSQL has {room} for them." in said


def test_as_the_stack_is_started_nothing_is_warned_of(database: str, capsys) -> None:
    call_command("check", databases=["default"])
    assert "florin.W020" not in capsys.readouterr().err
