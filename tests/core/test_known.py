"""Settings without the lazy object around them."""

from django.test import override_settings

from apps.core import known


def test_overridden_settings_are_seen_while_they_are_overridden() -> None:
    before = known.settings.HOT_QUEUE
    with override_settings(HOT_QUEUE=3):
        assert known.settings.HOT_QUEUE == 3
        with override_settings(HOT_QUEUE=2, HOT_WAIT_S=0.1):
            assert (known.settings.HOT_QUEUE, known.settings.HOT_WAIT_S) == (2, 0.1)
        assert known.settings.HOT_QUEUE == 3
    assert before == known.settings.HOT_QUEUE


def test_a_setting_that_is_set_is_seen(monkeypatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "GATEWAY_DEADLINE_S", 0.25)
    assert known.settings.GATEWAY_DEADLINE_S == 0.25
