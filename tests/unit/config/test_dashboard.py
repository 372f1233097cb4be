"""`jackfield.config.dashboard`: thresholds, viewers and names, each fault with what would be right."""

import attrs
import pytest

from jackfield.config import DashboardOptions, build_config
from jackfield.errors import ConfigError
from jackfield.plugin.provider import ProviderSpec


@attrs.frozen
class AcmeFeed:
    url: str = ""


PROVIDERS = {"acme": ProviderSpec("acme", "", AcmeFeed, None, None)}
FEEDS = {"feeds": {"head-office": {"provider": "acme"}}}
TOKEN = "correct horse battery staple"


def build(**tables):
    return build_config(FEEDS | tables, providers=PROVIDERS, sinks={})


def faults(**tables):
    with pytest.raises(ConfigError) as caught:
        build(**tables)
    return [str(fault) for fault in caught.value.problems]


def test_without_tables_there_are_thresholds_and_neither_viewers_nor_names():
    config = build()
    assert config.dashboard == DashboardOptions()
    assert config.dashboard.service_level == (0.8, 0.7)
    assert config.dashboard.ready == ()
    assert config.viewers == {}
    assert config.names.queues == config.names.agents == {}


def test_thresholds_are_given_in_the_order_in_which_they_are_crossed():
    config = build(dashboard={"service_level": [0.9, 0.8], "longest_wait": [20, 40], "waiting": [], "ready": [3, 1]})
    assert config.dashboard.service_level == (0.9, 0.8)
    assert config.dashboard.longest_wait == (20.0, 40.0)
    assert config.dashboard.waiting == ()


def test_thresholds_that_cannot_be_meant_are_faults():
    given = {"service_level": [0.7, 0.8], "longest_wait": [60, 30], "abandoned": [5, 10], "waiting": [3], "ready": "2"}
    assert faults(dashboard=given) == [
        "dashboard.service_level: [0.7, 0.8]: a breach cannot come before its warning; swap the two",
        "dashboard.longest_wait: [60.0, 30.0]: a breach cannot come before its warning; swap the two",
        "dashboard.waiting: must be two numbers, [a warning, a breach], or [] for no colour",
        "dashboard.abandoned: [5.0, 10.0]: must be from 0 to 1",
        "dashboard.ready: must be a list, not '2'",
    ]


def test_a_viewer_has_a_token_and_feeds_that_exist():
    config = build(viewers={"night": {"token": TOKEN, "feeds": ["head-office"], "personal": False}})
    assert config.viewers["night"].feeds == ("head-office",)
    assert not config.viewers["night"].operator
    assert [secret.reveal() for secret in config.secrets()] == [TOKEN]
    assert TOKEN not in repr(config)
    (warning,) = config.warnings
    assert str(warning).startswith("viewers.night.token: the secret stands in the configuration itself")


def test_a_viewer_who_would_see_too_much_or_nothing_is_a_fault():
    viewers = {
        "short": {"token": "hunter2"},
        "none": {},
        "away": {"token": TOKEN, "feeds": ["head-ofice"]},
        "both": {"token": TOKEN, "feeds": ["head-office"], "operator": True},
    }
    assert faults(viewers=viewers) == [
        "viewers.short.token: the token has 7 characters; at least 16 are needed",
        "viewers.none.token: required: what these viewers enter, 16 characters or more",
        "viewers.away.feeds: no feed 'head-ofice'; did you mean head-office?",
        "viewers.both: operator = true shows all feeds; give it without feeds, or leave it out",
    ]
    assert faults(viewers=[]) == ["viewers: must be tables named [viewers.NAME]"]


def test_names_are_texts_by_id():
    assert build(names={"queues": {"9f1c": "Support"}}).names.queues == {"9f1c": "Support"}
    (fault,) = faults(names={"agents": {"a1": 7}})
    assert fault.startswith("names.agents")
    assert "must be text, not 7" in fault
