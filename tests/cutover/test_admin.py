"""The pages on which switches are thrown."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.core import ids
from apps.cutover import selectors, services
from apps.cutover.models import Change

LIST = "admin:cutover_switch_changelist"
BALANCE = "balance.retrieve"


def person(*permissions: str) -> Client:
    """A member of staff who may do this and no more."""
    user = User.objects.create_user(f"ada-{ids.new_id()}", password="a long password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="cutover", codename__in=permissions))
    client = Client()
    client.force_login(user)
    client.name = user.username
    return client


@pytest.fixture
def operator(scratch_database) -> Client:
    return person("view_switch", "change_switch", "view_change")


def text_of(client: Client, name: str = LIST, *args) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


def test_a_switch_is_thrown_on_its_page(operator, make_merchant) -> None:
    shop = make_merchant()
    form = {"endpoint": BALANCE, "merchant": shop.account, "way": "share", "percent": 10, "reason": "a pilot"}
    shown = operator.post(reverse("admin:cutover_switch_throw"), form, follow=True).content.decode()
    assert selectors.switch(BALANCE, shop.id).hot_percent == 10
    assert (operator.name in shown, "a pilot" in shown, shop.account in shown) == (True, True, True)
    assert Change.objects.get(merchant_id=shop.id).actor == operator.name


def test_a_share_needs_its_percent_and_everything_its_reason(operator) -> None:
    page = reverse("admin:cutover_switch_throw")
    shown = operator.post(page, {"endpoint": BALANCE, "way": "share", "reason": "a pilot"}).content.decode()
    assert "Say how many percent go hot." in shown
    shown = operator.post(page, {"endpoint": BALANCE, "way": "classic", "reason": ""}).content.decode()
    assert "This field is required." in shown
    shown = operator.post(page, {"endpoint": BALANCE, "merchant": "acct_no", "way": "hot", "reason": "x"}).content.decode()
    assert "expected an id that starts with" in shown
    assert not Change.objects.exists()


def test_everything_is_rolled_back_by_one_click(operator) -> None:
    services.throw(endpoint=BALANCE, hot_percent=100, actor="bob", reason="a pilot")
    operator.post(reverse("admin:cutover_switch_roll_back"), {"to": "classic", "reason": "alarm"})
    assert [rule.hot_percent for rule in selectors.rules()] == [0, 0]
    assert {change.actor for change in Change.objects.filter(reason="alarm")} == {operator.name}


def opened(client: Client, name: str, *args) -> dict[str, str]:
    """What a page that was opened just now sends along, unseen."""
    found = re.search(r'name="seen" value="(\d+)"', text_of(client, name, *args))
    return {"seen": found[1] if found else "none"}


def test_who_has_not_seen_a_rollback_does_not_undo_it(operator) -> None:
    services.throw(endpoint=BALANCE, hot_percent=10, actor="bob", reason="a pilot")
    page, form = reverse("admin:cutover_switch_throw"), opened(operator, "admin:cutover_switch_throw")
    form |= {"endpoint": BALANCE, "way": "share", "percent": "25", "reason": "the next step"}
    services.roll_back(endpoint=BALANCE, to="classic", actor=services.AUTOMATIC, reason="automatic: it failed")
    shown = operator.post(page, form).content.decode()
    assert selectors.switch(BALANCE).hot_percent == 0
    assert "Nothing was changed: meanwhile automatic changed balance.retrieve: 10 % hot → classic, because: automatic: it failed." in shown
    latest = re.search(r'name="seen" value="(\d+)"', shown)
    operator.post(page, form | {"seen": latest[1] if latest else ""})
    assert selectors.switch(BALANCE).hot_percent == 25


def test_what_others_did_elsewhere_is_in_nobodys_way(operator, make_merchant) -> None:
    form = opened(operator, "admin:cutover_switch_throw") | {"endpoint": BALANCE, "way": "classic", "reason": "x"}
    services.throw(endpoint="refunds.create", hot_percent=10, actor="bob", reason="a pilot")
    services.throw(endpoint=BALANCE, merchant_id=make_merchant().id, hot_percent=10, actor="bob", reason="a pilot")
    operator.post(reverse("admin:cutover_switch_throw"), form)
    assert selectors.switch(BALANCE).hot_percent == 0


def test_thresholds_of_two_people_at_once_are_those_of_the_first(operator) -> None:
    form = {"max_error_percent": "2.5", "min_requests": 50, "window_s": 30, "max_difference_percent": "", "min_compared": 10, "reason": "x"}
    form |= opened(operator, "admin:cutover_switch_limit", BALANCE)
    services.limit(endpoint=BALANCE, min_requests=7, actor="bob", reason="judge sooner")
    shown = operator.post(reverse("admin:cutover_switch_limit", args=[BALANCE]), form).content.decode()
    assert (selectors.thresholds(BALANCE).min_requests, "meanwhile bob changed" in shown) == (7, True)


def test_everything_turns_hot_only_for_who_has_seen_what_was_turned_classic(operator) -> None:
    before = opened(operator, LIST)
    services.roll_back(endpoint=BALANCE, to="classic", actor=services.AUTOMATIC, reason="automatic: it failed")
    page, form = reverse("admin:cutover_switch_roll_back"), {"to": "hot", "reason": "go on"}
    shown = operator.post(page, form | before, follow=True).content.decode()
    assert (selectors.switch(BALANCE).hot_percent, "meanwhile automatic changed" in shown) == (0, True)
    operator.post(page, form | opened(operator, LIST))
    assert selectors.switch(BALANCE).hot_percent == 100


def test_a_switch_says_whom_it_does_not_reach(operator, make_merchant) -> None:
    shop = make_merchant()
    services.throw(endpoint=BALANCE, hot_percent=25, actor="bob", reason="a pilot")
    services.throw(endpoint=BALANCE, merchant_id=shop.id, hot_percent=100, actor="bob", reason="a pilot")
    form = opened(operator, "admin:cutover_switch_throw") | {"endpoint": "*", "way": "classic", "reason": "alarm"}
    shown = operator.post(reverse("admin:cutover_switch_throw"), form, follow=True).content.decode()
    told = f"Not reached, because they have a switch of their own: balance.retrieve (25 % hot), balance.retrieve for {shop.account} (hot)."
    assert told in shown


def test_thresholds_are_set_on_their_page(operator) -> None:
    form = {"max_error_percent": "2.5", "min_requests": 50, "window_s": 30, "max_difference_percent": "", "min_compared": 10, "reason": "x"}
    operator.post(reverse("admin:cutover_switch_limit", args=[BALANCE]), form)
    kept = selectors.thresholds(BALANCE)
    assert (str(kept.max_error_percent), kept.min_requests, kept.window_s, kept.max_difference_percent) == ("2.50", 50, 30, None)
    assert "failures at most % 5 → 2.5" in text_of(operator, "admin:cutover_change_changelist")


def test_what_was_turned_classic_by_itself_is_said_first(operator) -> None:
    services.roll_back(endpoint=BALANCE, to="classic", actor=services.AUTOMATIC, reason="automatic: 9 of 9 hot requests failed")
    assert "turned classic by itself" in text_of(operator)
    assert "turned classic by themselves" in text_of(superuser(), "admin:index")
    services.roll_back(endpoint=BALANCE, to="hot", actor="ada", reason="mended")
    assert "turned classic by itself" not in text_of(operator)


def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(f"root-{ids.new_id()}", "root@florin.example", "a long password"))
    return client


@pytest.mark.parametrize("page", ["throw", "roll_back", "limit"])
def test_who_may_only_look_changes_nothing(scratch_database, page: str) -> None:
    onlooker = person("view_switch", "view_change")
    url = reverse(f"admin:cutover_switch_{page}", args=[BALANCE] if page == "limit" else [])
    form = {"endpoint": BALANCE, "way": "classic", "to": "classic", "reason": "x", "min_requests": 1, "window_s": 5, "min_compared": 1}
    assert onlooker.post(url, form).status_code == 403
    assert "Roll everything back" not in text_of(onlooker)
    assert not Change.objects.exists()


def test_who_may_not_look_sees_nothing(scratch_database) -> None:
    stranger = person()
    pages = [reverse(name) for name in (LIST, "admin:cutover_change_changelist", "admin:cutover_switch_throw")]
    assert [stranger.get(page).status_code for page in pages] == [403, 403, 403]


def test_the_history_is_read_only(operator) -> None:
    services.throw(endpoint=BALANCE, hot_percent=100, actor="bob", reason="a pilot")
    change = Change.objects.get()
    shown = text_of(operator, "admin:cutover_change_change", change.id)
    assert ("a pilot" in shown, 'name="_save"' in shown) == (True, False)
    assert operator.post(reverse("admin:cutover_change_delete", args=[change.id]), {"post": "yes"}).status_code == 403
    assert operator.post(reverse("admin:cutover_switch_add"), {"endpoint": BALANCE}).status_code == 403
    assert Change.objects.count() == 1


def test_the_screen_asks_as_much_for_many_merchants_as_for_one(operator, make_merchant, django_assert_max_num_queries) -> None:
    for _ in range(5):
        services.throw(endpoint=BALANCE, merchant_id=make_merchant().id, hot_percent=0, actor="bob", reason="a pilot")
    with django_assert_max_num_queries(45):
        text_of(operator)


def test_who_signs_in_without_having_asked_for_a_page_gets_the_back_office(scratch_database) -> None:
    user = User.objects.create_user(f"ada-{ids.new_id()}", password="a long password", is_staff=True)
    response = Client().post(reverse("admin:login"), {"username": user.username, "password": "a long password"})
    assert (response.status_code, response.headers["Location"]) == (302, reverse("admin:index"))
