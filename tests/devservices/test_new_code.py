"""`up` while everything runs: what was edited meanwhile is picked up, what was not goes on."""

from pathlib import Path

import pytest

from devservices import application, supervisor
from devservices.programs import procfile


def pids(stack) -> dict[str, int]:
    return {name: info["pid"] for name, info in supervisor.program_states(stack.layout).items()}


def test_a_second_up_leaves_programs_alone_until_their_code_changes_and_keeps_the_data(stack) -> None:
    stack.must("up")
    first = pids(stack)
    again = stack.must("up")
    assert ("they start anew" in again, pids(stack)) == (False, first)
    accounts = stack.value("SELECT count(*) FROM merchants_merchant")
    (stack.layout.state / "loaded").write_text("what they were started with was another")
    assert "the code or the settings have changed" in stack.must("up")
    now = pids(stack)
    assert {name for name in now if now[name] == first[name]} == {"postgres", "redis"}
    assert stack.value("SELECT count(*) FROM merchants_merchant") == accounts > 0
    assert set(procfile()) <= {name for name, info in supervisor.program_states(stack.layout).items() if info["statename"] == "RUNNING"}


@pytest.mark.parametrize("name", ["apps/x/views.py", "apps/x/sql/1.sql", "config/x/page.html", "sandbox/x.py", "gunicorn.conf.py"])
def test_what_programs_read_when_they_start_is_what_counts(tmp_path: Path, monkeypatch, name: str) -> None:
    monkeypatch.setattr(application, "REPOSITORY", tmp_path)
    for root in ("celery_app.py", "gunicorn.conf.py", "manage.py", "Procfile"):
        (tmp_path / root).write_text("x")
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("one")
    before = application.program_digest({"PORT": "1"})
    assert application.program_digest({"PORT": "1"}) == before != application.program_digest({"PORT": "2"})
    file.write_text("two")
    assert application.program_digest({"PORT": "1"}) != before
