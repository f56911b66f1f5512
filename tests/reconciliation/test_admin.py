"""What finance staff see and do."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.core import db
from apps.reconciliation import services
from tests.reconciliation.files import Line, settlement
from tests.reconciliation.world import World, breaks_in, groups_of

XSS = "<img src=x onerror=alert(1)>.csv"


@pytest.fixture
def chief() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(f"chief{uuid4().hex[:8]}", "chief@florin.example", "x" * 20))
    return client


def clerk(*permissions: str) -> Client:
    user = User.objects.create_user(f"clerk{uuid4().hex[:8]}", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(f"admin:reconciliation_{name}", args=args))
    assert answer.status_code == 200, answer
    return answer.content.decode()


LISTS = ["source", "sourcefile", "linerecord", "matchgroup", "break", "payout"]


@pytest.mark.parametrize("model", LISTS)
def test_every_list_opens(world: World, chief: Client, model: str) -> None:
    world.pay_out(world.capture())
    world.settle(Line())
    world.match()
    assert "result_list" in page(chief, f"{model}_changelist")


@pytest.mark.parametrize("model", LISTS)
def test_a_list_asks_the_same_number_of_questions_however_long_it_is(
    world: World, chief: Client, django_assert_max_num_queries, model: str
) -> None:
    world.pay_out(*(world.capture() for _ in range(3)))
    with django_assert_max_num_queries(14):
        page(chief, f"{model}_changelist")


def test_a_match_shows_why_and_links_its_line_and_its_entry(world: World, chief: Client) -> None:
    capture = world.capture(10_000)
    file = world.settle(capture.line(fee=200))
    world.match()
    (group,) = groups_of(capture)
    shown = page(chief, "matchgroup_change", group["id"])
    assert "no other line claims it. The gateway kept €2.00." in shown
    (line,) = db.query("SELECT id FROM recon_source_line WHERE file_id = %s", [file.file_id])
    assert reverse("admin:reconciliation_linerecord_change", args=[line["id"]]) in shown
    shown = page(chief, "linerecord_change", line["id"])
    assert reverse("admin:reconciliation_matchgroup_change", args=[group["id"]]) in shown


def test_a_break_shows_its_reason(world: World, chief: Client) -> None:
    file = world.settle(world.capture(1_000).line(gross=999))
    world.match()
    shown = page(chief, "break_change", breaks_in(file)[0]["id"])
    assert "The file has €9.99 for att_" in shown
    assert "but our capture is €10.00" in shown


def upload(client: Client, data: bytes, name: str = "by-hand.csv", kind: str = ""):
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("admin:reconciliation_sourcefile_import"), {"file": file, "kind": kind}, follow=True)


def test_a_file_is_taken_in_by_hand(chief: Client) -> None:
    shown = upload(chief, settlement(Line(), Line())).content.decode()
    assert "2 lines imported, 0 of them duplicates." in shown
    assert "by-hand.csv" in shown


def test_a_bad_file_shows_its_error_and_the_line_and_is_kept(chief: Client) -> None:
    data = settlement(Line(), f"oops {uuid4()}", Line())
    answer = upload(chief, data)
    shown = answer.content.decode()
    assert "Nothing was imported. Line 3: it has 1 columns where the header has 10." in shown
    assert data.splitlines()[2].decode() in shown
    (url,) = [part for part in shown.split('"') if part.endswith("/content")]
    kept = chief.get(url)
    assert (kept.content, kept["X-Content-Type-Options"]) == (data, "nosniff")
    assert kept["Content-Disposition"].startswith("attachment")


def test_the_same_file_by_hand_counts_once(chief: Client) -> None:
    data = settlement(Line())
    upload(chief, data)
    assert "it counts once" in upload(chief, data).content.decode()


def test_a_name_is_shown_and_not_run(chief: Client) -> None:
    shown = upload(chief, settlement(Line()), XSS).content.decode()
    assert "<img src=x" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;.csv" in shown


def test_no_file_is_an_error_of_the_form(chief: Client) -> None:
    answer = chief.post(reverse("admin:reconciliation_sourcefile_import"), {})
    assert "This field is required" in answer.content.decode()


def test_staff_without_the_permission_take_nothing_in() -> None:
    answer = upload(clerk("view_sourcefile"), settlement(Line(reference=(mark := f"att_{uuid4().hex}"))))
    assert answer.status_code == 403
    assert db.query("SELECT 1 FROM recon_source_line WHERE reference = %s", [mark]) == []


def test_staff_who_may_not_see_files_do_not_get_their_bytes() -> None:
    done = services.import_file(data=settlement(Line()), name="f", received_by="test")
    assert clerk().get(reverse("admin:reconciliation_sourcefile_content", args=[done.file_id])).status_code == 403


@pytest.mark.parametrize("model", LISTS)
def test_nothing_can_be_added_changed_or_deleted(world: World, chief: Client, model: str) -> None:
    for action in ("add",):
        assert chief.get(reverse(f"admin:reconciliation_{model}_{action}")).status_code == 403
