"""`jackfield.config.difference`: what changes from one configuration to another, as a value."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import Source
from jackfield.config import (
    ConfigDifference,
    ConnectionOptions,
    DeliveryOptions,
    Feed,
    GatewayConfig,
    GatewayOptions,
    MetricsOptions,
    NamedSink,
    Route,
    WebhooksOptions,
)
from jackfield.plugin.secrets import Secret


@attrs.frozen
class Acme:
    token: Secret
    account: str = "A"

    @property
    def source(self):
        return Source("acme", "account", self.account)


@attrs.frozen
class Null:
    path: str = ""


NAMES = st.sampled_from(["a", "b", "c", "d"])
SECRETS = st.builds(Secret, st.sampled_from(["env", "text"]), st.sampled_from(["X", "Y"]))
FEEDS = st.builds(
    Feed,
    NAMES,
    st.sampled_from(["acme", "other"]),
    st.builds(Acme, SECRETS, st.sampled_from("AB")),
    st.builds(ConnectionOptions, st.sampled_from([10.0, 20.0])),
)
SINKS = st.builds(
    NamedSink,
    NAMES,
    st.just("null"),
    st.builds(Null, st.sampled_from(["x", "y"])),
    st.builds(DeliveryOptions, st.sampled_from([1, 2])),
)
ROUTES = st.builds(Route, st.sampled_from([["call.*"], ["**"], ["agent.*", "call.*"]]), st.just(["a"]))


def by_name(tables):
    return st.lists(tables, max_size=4, unique_by=lambda each: each.name).map(tuple)


CONFIGS = st.builds(
    GatewayConfig,
    by_name(FEEDS),
    by_name(SINKS),
    st.lists(ROUTES, max_size=4).map(tuple),
    st.builds(GatewayOptions, st.sampled_from(["memory", "j"]), drain_seconds=st.sampled_from([1.0, 5.0])),
    st.builds(WebhooksOptions, st.sampled_from([None, "127.0.0.1:1"])),
    st.builds(MetricsOptions, st.sampled_from([None, "127.0.0.1:2"])),
)


@given(CONFIGS, CONFIGS)
def test_applied_to_the_one_it_gives_the_other(before, after):
    assert ConfigDifference.between(before, after).apply(before) == after


@given(CONFIGS)
def test_from_a_configuration_to_itself_there_is_nothing_to_do(config):
    difference = ConfigDifference.between(config, attrs.evolve(config))
    assert not difference
    assert difference.lines == ()
    assert difference.restarts == []


@given(CONFIGS, CONFIGS)
def test_what_is_the_same_stays_the_same_object(before, after):
    kept = {each.name: each for each in before.feeds + before.sinks}
    result = ConfigDifference.between(before, after).apply(before)
    changed = {new.name for _, new in ConfigDifference.between(before, after).feeds.changed}
    for feed in result.feeds:
        if feed.name in {each.name for each in before.feeds} and feed.name not in changed:
            assert any(feed is each for each in before.feeds)
    assert kept.keys() >= changed


@given(CONFIGS, CONFIGS)
def test_each_table_is_added_changed_removed_or_as_it_was_and_never_two_of_these(before, after):
    difference = ConfigDifference.between(before, after)
    for changes, old, new in (
        (difference.feeds, before.feeds, after.feeds),
        (difference.sinks, before.sinks, after.sinks),
    ):
        added, removed = {each.name for each in changes.added}, {each.name for each in changes.removed}
        changed = {each.name for _, each in changes.changed}
        assert added == {each.name for each in new} - {each.name for each in old}
        assert removed == {each.name for each in old} - {each.name for each in new}
        assert not changed & (added | removed)


@given(CONFIGS, CONFIGS)
def test_no_line_shows_a_value(before, after):
    secret = attrs.evolve(before, feeds=tuple(with_token(each, "fortytwo1") for each in before.feeds))
    other = attrs.evolve(after, feeds=tuple(with_token(each, "fortytwo2") for each in after.feeds))
    assert "fortytwo" not in str(ConfigDifference.between(secret, other))


def with_token(feed, text):
    return attrs.evolve(feed, provider=attrs.evolve(feed.provider, token=Secret("text", text)))


def config(*feeds, **more):
    return GatewayConfig(feeds, **more)


OFFICE = Feed("office", "acme", Acme(Secret("env", "X")))


def test_lines_name_what_changes_by_its_option():
    old = config(OFFICE, sinks=(NamedSink("crm", "null", Null("x")),), routes=(Route(["call.*"], ["crm"]),))
    new = config(
        with_token(OFFICE, "t"),
        attrs.evolve(OFFICE, name="branch"),
        sinks=(NamedSink("crm", "null", Null("y"), DeliveryOptions(2)),),
        routes=(Route(["**"], ["crm"]),),
        webhooks=WebhooksOptions("127.0.0.1:1"),
    )
    assert str(ConfigDifference.between(old, new)).splitlines() == [
        "feeds.branch: added",
        "feeds.office: changed (token)",
        "sinks.crm: changed (path, batch_events)",
        "route added: ** -> crm",
        "route removed: call.* -> crm",
        "webhooks.listen: changed",
    ]


def test_a_renewed_secret_is_a_change_although_no_option_is():
    difference = ConfigDifference.between(config(OFFICE), config(OFFICE), ["feeds.office"])
    assert difference
    assert difference.lines == ("feeds.office: changed (secret or certificate renewed)",)


def test_a_feed_under_another_name_is_known_as_the_same():
    difference = ConfigDifference.between(config(OFFICE), config(attrs.evolve(OFFICE, name="head-office")))
    assert difference.renamed == (("office", "head-office"),)
    assert "feeds.head-office: is office by another name" in difference.lines


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"gateway": GatewayOptions("elsewhere")}, "gateway.journal: cannot change while the gateway runs; restart it"),
        ({"metrics": MetricsOptions("127.0.0.1:9")}, "metrics.listen: cannot change while the gateway runs"),
    ],
)
def test_what_needs_a_restart_is_said_by_its_option(more, problem):
    difference = ConfigDifference.between(config(OFFICE), config(OFFICE, **more))
    assert problem in str(difference.restarts[0])


def test_what_the_gateway_reads_when_it_needs_it_may_change():
    difference = ConfigDifference.between(config(OFFICE), config(OFFICE, gateway=GatewayOptions(drain_seconds=9.0)))
    assert difference
    assert difference.restarts == []
