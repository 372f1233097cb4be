"""`jackfield.config`: every fault at once with its path, and what is allowed but doubtful."""

from pathlib import Path
from typing import ClassVar

import attrs
import pytest

from jackfield.config import WebhooksOptions, build_config, read_toml
from jackfield.errors import ConfigError
from jackfield.plugin.options import field_help, host_and_port, is_url
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import SinkSpec
from jackfield.plugin.webhook import Webhook
from jackfield.selectors import Selector


@attrs.frozen
class AcmeFeed:
    url: str = attrs.field(validator=is_url("ws", "wss"))
    token: Secret = attrs.field(metadata=field_help("the account's token"))
    account: str
    retries: int = 3
    pace: float = 1.0
    fast: bool = False
    tags: tuple[str, ...] = ()
    ca_file: str | None = None


@attrs.frozen
class NullSink:
    path: str = "x"


@attrs.frozen
class OwnSink:
    path: str = attrs.field(metadata=field_help("where to", exclusive=True))


@attrs.frozen
class TablesSink:
    urls: dict[str, str] = attrs.field(factory=dict, metadata=field_help("URLs", by_provider=True))


PROVIDERS = {"acme": ProviderSpec("acme", "", AcmeFeed, None, None)}
SINKS = {"null": SinkSpec("null", "", NullSink)}
FEED = {"provider": "acme", "url": "ws://localhost:1", "token": {"env": "JACKFIELD_TEST_TOKEN"}, "account": "A"}


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("JACKFIELD_TEST_TOKEN", "hunter2")


def build(document):
    return build_config(document, providers=PROVIDERS, sinks=SINKS)


def faults(document):
    with pytest.raises(ConfigError) as caught:
        build(document)
    return [str(fault) for fault in caught.value.problems]


def test_a_right_configuration_becomes_typed_objects():
    document = {
        "feeds": {"a": FEED | {"pace": 2, "tags": ["x", "y"]}},
        "sinks": {"s": {"type": "null"}, "t": {"type": "null"}},
        "routes": [
            {"select": ["contact.*", "agent.* @ vinix/**"], "sinks": ["s"]},
            {"select": ["**"], "sinks": ["s", "t"]},
        ],
    }
    config = build(document)
    (feed,) = config.feeds
    assert (feed.name, feed.provider_name, feed.provider.pace, feed.provider.tags) == ("a", "acme", 2.0, ("x", "y"))
    assert feed.provider.token.reveal() == "hunter2"
    assert [sink.name for sink in config.sinks] == ["s", "t"]
    assert config.selectors_of("t") == (Selector.parse("**"),)
    assert len(config.selectors_of("s")) == 3
    assert config.warnings == ()
    assert [secret.value for secret in config.secrets()] == ["JACKFIELD_TEST_TOKEN"]


def test_every_fault_is_reported_at_once_with_its_path_and_what_would_be_right():
    document = {
        "gatway": {},
        "gateway": {"fsync": "paper", "memory_events": 0},
        "feeds": {
            "a": {
                "provider": "acme",
                "url": "http://x",
                "token": {"env": "JACKFIELD_NONE"},
                "acount": "A",
                "retries": "5",
            },
            "b": {"provider": "acm"},
            "c": {"url": "ws://x"},
            "d": 5,
        },
        "sinks": {"s": {"type": "null", "pth": "x"}, "t": {"type": ["null"]}},
        "routes": [{"select": ["contact.*", "call"], "sinks": ["u"]}, {"select": [], "sinks": []}, 7],
    }
    assert faults(document) == [
        "gatway: unknown option; did you mean gateway?",
        "gateway.fsync: must be true or false, not 'paper'",
        "gateway.memory_events: 0 is not at least 1",
        "feeds.a.acount: unknown option; did you mean account?",
        "feeds.a.url: 'http://x' is not a valid ws:// or wss:// URL",
        "feeds.a.token: the environment variable JACKFIELD_NONE is not set or empty",
        "feeds.a.account: required",
        "feeds.a.retries: must be a whole number, not '5'",
        "feeds.b.provider: no provider 'acm' (installed: acme); did you mean acme?",
        "feeds.c.provider: required: which provider it is (installed: acme)",
        "feeds.d: must be a table [feeds.d]",
        "sinks.s.pth: unknown option; did you mean path?",
        "sinks.t.type: no type ['null'] (installed: null); did you mean null?",
        "routes[0].select[1]: a kind is two words with a dot between, like contact.queued, at character 1 of 'call'",
        "routes[1].select: must name at least one",
        "routes[1].sinks: must name at least one",
        "routes[2]: must be a table, not 7",
    ]


def test_what_costs_a_task_each_has_an_upper_bound_too():
    document = {"feeds": {"a": FEED}, "sinks": {"s": {"type": "null", "delivery": {"concurrency": 100_000}}}}
    assert faults(document) == ["sinks.s.delivery.concurrency: 100000 is not from 1 to 256"]


def test_a_route_to_a_sink_that_is_not_there_names_those_that_are():
    document = {"feeds": {"a": FEED}, "sinks": {"archive": {"type": "null"}}}
    assert faults(document | {"routes": [{"select": ["**"], "sinks": ["archiv"]}]}) == [
        "routes[0].sinks: no sink 'archiv'; did you mean archive?"
    ]
    assert faults(document | {"routes": [{"select": ["**"], "sinks": ["crm"]}]}) == [
        "routes[0].sinks: no sink 'crm'; there are: archive"
    ]


@pytest.mark.parametrize(
    ("option", "value", "fault"),
    [
        ("retries", True, "must be a whole number, not true"),
        ("retries", 1.5, "must be a whole number, not 1.5"),
        ("pace", "1", "must be a number, not '1'"),
        ("fast", 1, "must be true or false, not 1"),
        ("account", ["x"], "must be text, not a list"),
        ("ca_file", {}, "must be text, not a table"),
        ("url", "ws://", "'ws://' is not a valid ws:// or wss:// URL"),
        ("url", "ws://h:99999", "'ws://h:99999' is not a URL: its host or port is not valid"),
        ("token", 5, 'no secret; give { env = "NAME" } or { file = "path" }'),
    ],
)
def test_a_value_of_the_wrong_sort_is_reported_and_never_converted(option, value, fault):
    assert faults({"feeds": {"a": FEED | {option: value}}}) == [f"feeds.a.{option}: {fault}"]


def test_a_missing_option_says_what_it_is_for():
    feed = {key: value for key, value in FEED.items() if key != "token"}
    assert faults({"feeds": {"a": feed}}) == ["feeds.a.token: required: the account's token"]


def test_items_of_a_list_have_their_number_in_the_path():
    assert faults({"feeds": {"a": FEED | {"tags": ["x", 1, "y", None]}}}) == [
        "feeds.a.tags[1]: must be text, not 1",
        "feeds.a.tags[3]: must be text, not None",
    ]


@pytest.mark.parametrize("section", ["feeds", "sinks", "routes", "gateway"])
def test_a_section_of_the_wrong_shape_is_a_fault_and_no_traceback(section):
    assert any(fault.startswith(section) for fault in faults({"feeds": {"a": FEED}} | {section: 5}))


def test_a_gateway_without_a_feed_is_no_gateway():
    assert faults({}) == ["feeds: a gateway needs at least one [feeds.NAME] table"]


def test_a_gateways_limits_are_checked_each_with_its_value():
    table = {
        "journal": " ",
        "fsync": "hope",
        "dedupe_window": 0,
        "retain_seconds": float("nan"),
        "retain_bytes": 5,
        "retain_dead_bytes": -1,
        "answer_seconds": 1e308,
    }
    assert faults({"feeds": {"a": FEED}, "gateway": table}) == [
        'gateway.journal: \' \' does not name a folder; say "memory" or a path such as "var/journal"',
        "gateway.fsync: must be true or false, not 'hope'",
        "gateway.dedupe_window: 0 is not at least 1",
        "gateway.retain_seconds: must be a number, not nan",
        "gateway.retain_bytes: 5 is not at least 1000000",
        "gateway.retain_dead_bytes: -1 is not at least 0",
        "gateway.answer_seconds: 1e+308 is not from 0 to 86400",
    ]


@pytest.mark.parametrize("path", [".", "./", "/"])
def test_a_journal_is_a_folder_beside_which_something_can_be_put(path):
    assert faults({"feeds": {"a": FEED}, "gateway": {"journal": path}})[0].startswith(
        f"gateway.journal: {path!r} does not name a folder"
    )


@pytest.mark.parametrize(
    "path", ["var/journal/00000000000000000001.jsonl", "var/x/../journal/{date}/events", "var/journal"]
)
def test_a_sink_does_not_write_into_the_journal(path):
    document = {
        "gateway": {"journal": "var/journal"},
        "feeds": {"a": FEED},
        "sinks": {"archive": {"type": "own", "path": path}, "other": {"type": "own", "path": "var/journal.jsonl"}},
    }
    with pytest.raises(ConfigError) as caught:
        build_config(document, providers=PROVIDERS, sinks={"own": SinkSpec("own", "", OwnSink)})
    assert [str(fault) for fault in caught.value.problems] == [
        f"sinks.archive.path: {path!r} is in the journal's folder, var/journal; name a path elsewhere"
    ]


def test_what_is_allowed_but_doubtful_is_a_warning():
    document = {
        "feeds": {"a": FEED | {"token": "hunter2"}, "b": FEED | {"holders": 2}},
        "sinks": {"s": {"type": "null"}},
    }
    warnings = [str(warning) for warning in build(document).warnings]
    assert [warning.partition(":")[0] for warning in warnings] == ["feeds.a.token", "feeds.b.holders", "sinks.s"]
    assert "hunter2" not in "".join(warnings)


def test_an_empty_secret_is_a_fault_of_its_option(tmp_path):
    (tmp_path / "token").touch()
    assert faults({"feeds": {"a": FEED | {"token": {"file": str(tmp_path / "token")}}}}) == [
        f"feeds.a.token: the file {tmp_path / 'token'} is empty"
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "No such file"), (b"a = ", "not valid TOML"), (b"\xff\xfe", "not UTF-8")],
)
def test_a_document_that_cannot_be_read_is_one_fault_with_the_files_name(tmp_path: Path, content, problem):
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_toml(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("delivery", "batch_events"), [({}, 7), ({"concurrency": 2}, 7), ({"batch_events": 3}, 3)])
def test_a_sink_says_itself_how_many_events_it_takes_unless_the_configuration_does(delivery, batch_events):
    document = {"feeds": {"f": FEED}, "routes": [], "sinks": {"s": {"type": "null", "delivery": delivery}}}
    specs = {"null": SinkSpec("null", "", NullSink, batch_events=7)}
    (sink,) = build_config(document, providers=PROVIDERS, sinks=specs).sinks
    assert sink.delivery.batch_events == batch_events


def test_every_feed_may_say_how_its_connection_is_kept():
    document = {"routes": [], "sinks": {}}
    (feed,) = build(document | {"feeds": {"f": FEED | {"ping_seconds": 10, "handshake_timeout": 3}}}).feeds
    assert (feed.connection.ping_seconds, feed.connection.handshake_timeout) == (10.0, 3.0)
    assert feed.connection.pong_timeout == 15.0
    assert faults(document | {"feeds": {"f": FEED | {"ping_seconds": 0}}}) == [
        "feeds.f.ping_seconds: 0.0 is not at least 1",
    ]


def test_every_sink_may_say_how_it_is_delivered_to():
    document = {"feeds": {"f": FEED}, "routes": []}
    table = {"type": "null", "delivery": {"concurrency": 4, "batch_seconds": 1, "max_attempts": 3}}
    (sink,) = build(document | {"sinks": {"s": table}}).sinks
    assert (sink.delivery.concurrency, sink.delivery.batch_seconds, sink.delivery.max_attempts) == (4, 1.0, 3)
    assert sink.delivery.batch_events == 100
    table = {"type": "null", "delivery": {"concurency": 4, "timeout": 0}}
    assert faults(document | {"sinks": {"s": table}}) == [
        "sinks.s.delivery.concurency: unknown option; did you mean concurrency?",
        "sinks.s.delivery.timeout: 0.0 is not at least 0.001",
    ]


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "[::1]:8080", "localhost:0", "0.0.0.0:443"])
def test_an_inbox_listens_at_a_host_and_a_port(address):
    assert host_and_port(address) == (address.rpartition(":")[0].strip("[]"), int(address.rpartition(":")[2]))


@pytest.mark.parametrize(
    "address", ["", "8080", ":8080", "127.0.0.1", "http://x:1", "x:99999", "u@x:1", "x:1/y", "::1:80"]
)
def test_what_is_no_address_to_listen_on_is_reported_with_what_would_be_right(address):
    with pytest.raises(ValueError, match="is not an address to listen on; write"):
        host_and_port(address)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tls_cert": "x"}, "tls_cert needs listen"),
        ({"listen": "127.0.0.1:1", "tls_key": "x"}, "tls_key needs tls_cert"),
        ({"listen": "nowhere"}, "'nowhere' is not an address to listen on"),
    ],
)
def test_an_inbox_is_configured_whole(options, message):
    with pytest.raises(ValueError, match=message):
        WebhooksOptions(**options)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", False),  # the same text shares one listener
        ("127.0.0.1:80", "0.0.0.0:80", True),
        ("[::]:80", "127.0.0.1:80", True),
        ("[::]:80", "0.0.0.0:80", True),
        ("desk.example:80", "0.0.0.0:80", True),
        ("localhost:80", "127.0.0.1:80", True),
        ("[::1]:80", "localhost:80", True),
        ("[::1]:80", "[0:0:0:0:0:0:0:1]:80", True),
        ("[::1]:80", "127.0.0.1:80", False),
        ("localhost:80", "192.0.2.1:80", False),
        ("127.0.0.1:80", "0.0.0.0:81", False),
        ("127.0.0.1:0", "0.0.0.0:0", False),
    ],
)
def test_two_listeners_of_which_only_one_can_have_its_address_are_refused_by_both_names(one, other, overlap):
    document = {"feeds": {"a": FEED}, "metrics": {"listen": one}, "webhooks": {"listen": other}}
    said = f"metrics.listen: {one} and webhooks.listen, {other}, are one address for two listeners"
    if overlap:
        assert [each[: len(said)] for each in faults(document)] == [said]
    else:
        build(document)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "gateway.toml"
    path.write_bytes(b'\xef\xbb\xbf[gateway]\njournal = "memory"\n')
    assert read_toml(path) == {"gateway": {"journal": "memory"}}


@attrs.frozen
class Hooked(AcmeFeed):
    calls: ClassVar[list] = []

    def webhook(self, feed):
        self.calls.append(feed)
        if self.account == "broken":
            raise ZeroDivisionError("oops")
        return Webhook(lambda request: [], websocket=False)


def test_a_provider_says_once_how_its_webhooks_are_read():
    Hooked.calls.clear()
    document = {"feeds": {"a": FEED}, "webhooks": {"listen": "127.0.0.1:0"}}
    config = build_config(document, providers={"acme": ProviderSpec("acme", "", Hooked, None, None)}, sinks={})
    (feed,) = config.feeds
    assert feed.webhook_only and feed.webhook is feed.webhook
    assert Hooked.calls == ["a"]


def test_a_provider_that_fails_to_say_it_is_a_problem_of_its_feed():
    document = {"feeds": {"a": FEED | {"account": "broken"}}}
    with pytest.raises(ConfigError) as caught:
        build_config(document, providers={"acme": ProviderSpec("acme", "", Hooked, None, None)}, sinks={})
    assert str(caught.value.problems[0]) == "feeds.a: the provider failed: ZeroDivisionError: oops"


@pytest.mark.parametrize("relays", [False, True])
def test_a_sinks_table_by_provider_is_warned_of_where_it_names_none_that_can_bring_events(monkeypatch, relays):
    class Dialect:
        pass

    Dialect.relays = relays
    monkeypatch.setattr(AcmeFeed, "dialect", Dialect(), raising=False)
    document = {
        "feeds": {"a": FEED},
        "sinks": {"s": {"type": "tables", "urls": {"acme": "x", "acne": "x", "other": "x"}}},
        "routes": [{"select": ["**"], "sinks": ["s"]}],
    }
    expected = [
        "sinks.s.urls: no provider 'acne' is installed; did you mean acme?",
        "sinks.s.urls: no provider 'other' is installed; there are: acme",
    ]
    sinks = {"tables": SinkSpec("tables", "", TablesSink)}
    found = build_config(document, providers=PROVIDERS, sinks=sinks).warnings
    assert [str(each) for each in found] == ([] if relays else expected)
