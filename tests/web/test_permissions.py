"""What members of staff see of the back office who may see only a part of it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from apps.core import ids

CHARGES, SWITCHES = "/admin/payments/charge/", "/admin/cutover/switch/"


def signed_in(*permissions: str, **facts: bool) -> Client:
    user = User.objects.create_user(f"ada-{ids.new_id()}", password="a long password", is_staff=True, **facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_the_menu_leads_only_where_one_may_go(database) -> None:
    home = signed_in("view_charge").get("/admin/").content.decode()
    menu = home[home.index('id="nav-sidebar') : home.index("</nav>", home.index('id="nav-sidebar'))]
    assert CHARGES in menu
    assert SWITCHES not in menu


def test_everything_in_the_menu_of_who_may_do_everything_leads_somewhere(database) -> None:
    root = signed_in(is_superuser=True)
    home = root.get("/admin/").content.decode()
    assert all(path in home for path in (CHARGES, SWITCHES))


def test_the_home_page_shows_no_figure_of_what_one_may_not_see(database) -> None:
    shown = {"Unknown outcomes", "Open breaks", "Webhooks retried", "Quarantined files", "The house's accounts", "Latest settlement"}
    few, all = (client.get("/admin/").content.decode() for client in (signed_in("view_attempt"), signed_in(is_superuser=True)))
    assert {name for name in shown if name in few} == {"Unknown outcomes"}
    assert {name for name in shown if name in all} == shown


def test_who_may_see_nothing_of_the_home_page_is_told_so(database) -> None:
    assert "may not look at anything that is shown here" in signed_in("view_charge").get("/admin/").content.decode()


@pytest.mark.parametrize("path", [SWITCHES, "/admin/auth/user/"])
def test_a_page_one_may_not_see_says_so_and_leads_back(database, path) -> None:
    page = signed_in("view_charge").get(path)
    text = page.content.decode()
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert path in text
    assert 'href="/admin/"' in text
