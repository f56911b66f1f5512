"""The small parts: directories, ports, the Procfile, stale locks, logs, mails."""

import json
import os
import smtplib
import socket
import stat
import subprocess
import sys
import time
from email import message_from_bytes

import pytest
from psycopg.conninfo import conninfo_to_dict

from devservices import application, envfile, files, guard, passwords, ports, programs, report
from devservices.errors import UntrustedPath
from devservices.follow import Log
from devservices.layout import REPOSITORY, Layout


@pytest.fixture
def layout(tmp_path, monkeypatch) -> Layout:
    """A state directory without a stack; what the suite's own settings put into the environment is not asked."""
    for name in (*envfile.FROM_ENVIRONMENT, *passwords.OVERRIDES.values()):
        monkeypatch.delenv(name, raising=False)
    return Layout(tmp_path)


@pytest.mark.parametrize("plant", ["link", "file", "open to all"])
def test_a_planted_directory_is_refused(tmp_path, plant):
    path, elsewhere = tmp_path / "wanted", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if plant == "link":
        path.symlink_to(elsewhere)
    elif plant == "file":
        path.touch()
    else:
        path.mkdir()
        path.chmod(0o777)
    with pytest.raises(UntrustedPath):
        files.own_directory(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory of somebody else")
def test_a_directory_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "wanted"
    path.mkdir()
    os.chown(path, 65534, 65534)
    with pytest.raises(UntrustedPath, match="belongs to uid 65534"):
        files.own_directory(path)


def test_a_file_is_replaced_whole_with_its_mode(tmp_path):
    files.write_atomically(tmp_path / "secret", "one")
    files.write_atomically(tmp_path / "secret", "two")
    assert (tmp_path / "secret").read_text() == "two"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_ports_are_kept_and_only_a_taken_one_moves(layout):
    first = ports.settle(layout)
    assert ports.settle(layout) == first
    with socket.create_server(("127.0.0.1", first["web"])):
        second = ports.settle(layout)
    assert second["web"] != first["web"]
    assert {name: port for name, port in second.items() if name != "web"} == {n: p for n, p in first.items() if n != "web"}
    assert json.loads((layout.state / "ports.json").read_text()) == second


def test_a_long_state_path_gets_a_short_control_socket(tmp_path):
    deep = Layout(tmp_path / ("x" * 120))
    assert len(os.fsencode(deep.supervisor_socket)) < 90
    assert deep.supervisor_socket != Layout(tmp_path / ("y" * 120)).supervisor_socket


def test_the_procfile_names_every_program_and_its_variables_are_filled_in():
    assert set(programs.procfile()) == {"web", "worker", "beat", "relay", "sandbox", "mailbox"}
    assert programs.application_command("sandbox", {"SANDBOX_PORT": "1234"})[-2:] == ["--port", "1234"]


def test_a_lock_file_whose_number_belongs_to_another_program_now_is_removed(tmp_path):
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n/data\n")
    guard.remove_stale_lock(lock)
    assert not lock.exists()


def settled(layout: Layout) -> dict[str, str]:
    return envfile.settings(layout, ports.settle(layout), passwords.settle(layout))


def test_scripts_find_the_seeds_keys_beside_the_addresses(layout):
    layout.demo_file.write_text(json.dumps({"secret_key": "sk_test_1", "api_base": "http://old"}))
    demo = application.write_demo(layout, settled(layout))
    assert json.loads(layout.demo_file.read_text()) == demo
    assert demo["secret_key"] == "sk_test_1"
    assert demo["api_base"] == f"http://127.0.0.1:{ports.recorded(layout)['web']}"
    assert {"sandbox_base", "admin_url", "mailbox", "database_url", "redis_url", "log_dir"} <= set(demo)


def test_the_last_words_of_a_start_are_a_request_to_send(layout):
    shown = report.where_to_look({"api_base": "http://here", "secret_key": "sk_test_1"}, layout)
    assert "curl http://here/v1/payment_intents -u sk_test_1:" in shown
    assert "/v1/docs" in shown


def test_a_setting_with_odd_characters_comes_back_as_it_was(layout, monkeypatch):
    monkeypatch.setenv("FLORIN_PG_APP_PASSWORD", "p@ss/w:rd =%&")
    envfile.write(layout, settled(layout))
    url = envfile.read(layout)["DATABASE_URL"]
    assert conninfo_to_dict(url)["password"] == "p@ss/w:rd =%&"


def test_a_log_is_followed_across_its_rotation(tmp_path):
    path = tmp_path / "web.log"
    path.write_text("old\n")
    log = Log("web", path)
    with path.open("a") as file:
        file.write("one\ntwo, not yet who")
    assert log.news() == ["one"]
    path.rename(tmp_path / "web.log.1")
    path.write_text("new\n")
    assert log.news() == ["new"]


def test_a_mail_is_a_whole_file_when_the_sender_hears_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {**os.environ, "EMAIL_PORT": str(port), "MAILBOX_DIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "devservices.mailbox"], env=variables, cwd=REPOSITORY)
    try:
        send(port, "Subject: Ünïcode\r\nTo: b@example.com\r\n\r\nhello\r\n".encode())
        (mail,) = tmp_path.glob("*.eml")
        assert message_from_bytes(mail.read_bytes())["X-Envelope-To"] == "b@example.com, c@example.com"
    finally:
        process.terminate()
    assert process.wait(10) == 0


def send(port: int, mail: bytes) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
                smtp.sendmail("a@example.com", ["b@example.com", "c@example.com"], mail)
                return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
