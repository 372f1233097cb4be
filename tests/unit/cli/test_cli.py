"""`jackfield._cli`: each command's output and exit status; `tests/integration` runs them as processes."""

import argparse
import io
import json
import re
import shutil
import sys
import types
from typing import Literal

import attrs
import pytest

from jackfield._cli import COMMANDS, extensions, main
from jackfield._cli.console import Console, say
from jackfield._cli.simulate import configure_simulator, made
from jackfield._journal.store import SegmentStore
from jackfield._loading.registry import Registry
from jackfield.errors import PluginError
from jackfield.events import Event
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import Request
from jackfield.plugin.options import field_help
from jackfield.plugin.secrets import Secret
from jackfield.reports import EventsDropped, FeedState, FeedStateChanged, TopicConfirmed
from jackfield.simulation import Faults

CONFIG = """
[feeds.office]
provider = "voipbin"
url = "ws://127.0.0.1:9/v1.0/ws"
token = { env = "JACKFIELD_TEST_TOKEN" }
customer_id = "abc123"

[feeds.support]
provider = "vinix"
url = "ws://127.0.0.1:9"
auth_token = { env = "JACKFIELD_TEST_TOKEN" }
account_id = "ACC"

[sinks.console]
type = "stdout"

[[routes]]
select = ["contact.queued", "vinix/**"]
sinks = ["console"]
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.setenv("JACKFIELD_TEST_TOKEN", "hunter2")
    monkeypatch.delenv("JACKFIELD_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(content)))

    return give


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_of_each_command_describes_it(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "usage: jackfield" in out
    assert len(out.splitlines()) > 10


@pytest.mark.parametrize("provider", ["voipbin", "vinix"])
def test_the_help_of_a_simulator_shows_its_own_flags(provider, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["simulate", provider, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for flag in ("--port", "--token", "--rate", "--seed"):
        assert flag in out
    assert "--customer-id" in out or "--account-id" in out


def test_without_a_command_all_commands_are_listed_each_in_one_line(capsys):
    with pytest.raises(SystemExit):
        main([])
    text = capsys.readouterr().err
    for name, summary in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", text, re.MULTILINE)


def test_a_missing_flag_of_a_simulator_is_reported_without_the_list_of_all_flags(capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "voipbin"])
    assert capsys.readouterr().err == (
        "usage: jackfield simulate voipbin [-h] --token TEXT [OPTION ...]\n"
        "jackfield simulate voipbin: error: the following arguments are required: --token\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--versoin"],
        ["dance"],
        ["tail"],
        ["decode"],
        ["simulate", "voipbin"],
        ["demo", "--events", "0"],
        ["demo", "--format", "xml"],
        ["demo", "--rate", "0"],
        ["simulate", "voipbin", "--token", "t", "--port", "65536"],
    ],
)
def test_wrong_usage_is_reported_and_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "usage:" in streams.err


def test_the_version_is_the_distributions(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("jackfield 0.")


def test_invalid_values_of_a_simulators_flags_are_wrong_usage(capsys):
    wrong = ["--rate", "-1", "--drop", "2", "--refuse", "99"]
    assert main(["simulate", "vinix", "--token", "t", *wrong]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "jackfield: --rate: 'rate' must be > 0: -1.0",
        "jackfield: --drop: 2.0 is not between 0 and 1",
        "jackfield: --refuse: 99 is no final HTTP status, 200 to 599; 0 is off",
    ]


@attrs.define
class Every:
    """A simulator with a field of each type that a flag can be made of."""

    token: str
    profile: Literal["documented", "head"] = "documented"
    level: Literal[4, 5] = 4
    webhook: str | None = None
    most: int | None = attrs.field(default=None, metadata=field_help("at most 100 %", live=True))
    polite: bool = True
    terse: bool = False
    _state: int = attrs.field(default=0)
    count: int = attrs.field(default=0, init=False)


def simulator_options(simulator, *arguments):
    parser = argparse.ArgumentParser()
    configure_simulator(parser, simulator)
    return parser.parse_args(arguments)


def test_every_type_of_a_simulators_field_becomes_a_flag(capsys):
    options = simulator_options(Every, "--token", "t")
    assert made(Every, options, []) == Every("t")
    given = "--token t --profile head --level 5 --webhook http://x --most 3 --no-polite --terse --stalled --drop 0.5"
    options = simulator_options(Every, *given.split())
    assert made(Every, options, []) == Every("t", "head", 5, "http://x", 3, polite=False, terse=True)
    assert made(Faults, options, []) == Faults(drop=0.5, stalled=True)
    with pytest.raises(SystemExit):
        simulator_options(Every, "--help")
    out = capsys.readouterr().out
    assert "at most 100 % (live)" in out
    assert "--state" not in out and "--count" not in out


@pytest.mark.parametrize("arguments", [["--profile", "tail"], ["--level", "6"], ["--state", "1"], ["--drop", "x"], []])
def test_a_flag_of_a_simulator_that_is_wrong_is_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        simulator_options(Every, *arguments)
    assert caught.value.code == 2


def test_an_attrs_validation_error_is_reported_without_its_objects(capsys):
    assert main(["simulate", "vinix", "--token", "t", "--generation", "7"]) == 2
    assert capsys.readouterr().err == "jackfield: --generation: 'generation' must be in (4, 5) (got 7)\n"


def test_a_simulators_field_that_cannot_be_a_flag_is_an_error_of_the_plugin():
    cases = [("drop", float, "has the name of another flag"), ("days", list[int], "cannot become a flag")]
    for name, type_, said in cases:
        simulator = attrs.make_class("Odd", {name: attrs.field(default=0, type=type_)})
        with pytest.raises(PluginError, match=said):
            simulator_options(simulator)


def test_check_prints_what_is_selected_subscribed_and_filtered(config, capsys):
    assert main(["check", str(config)]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert [str(config) + ":", "valid"] in lines
    assert ["contact.queued", "customer_id:abc123:queue:*", "all", "but", "contact.queued"] in lines
    assert ["customer_id:abc123:queuecall:queuecall_waiting"] in lines
    assert ["vinix/**", "qubicle.queue.ACC.*", "nothing"] in lines
    assert "journal: memory" in out
    assert err == ""
    assert "hunter2" not in out


LOGINS = """
[feeds.office]
provider = "voipbin"
username = "me"
password = { env = "JACKFIELD_TEST_TOKEN" }

[feeds.support]
provider = "vinix"
url = "wss://gateway.example:5555"
rest_url = "https://api.example/v2"
username = "me"
password = { env = "JACKFIELD_TEST_TOKEN" }
account_name = "acme"
"""


def test_check_shows_feeds_that_log_in_without_their_having_logged_in(config, capsys):
    config.write_text(LOGINS)
    assert main(["check", str(config)]) == 0
    out = capsys.readouterr().out
    assert "wss://api.voipbin.net/v1.0/ws" in out
    assert "wss://gateway.example:5555" in out


def test_check_prints_which_journal_will_be_used_and_creates_none(config, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config.write_text(config.read_text() + '[gateway]\njournal = "var/journal"\nfsync = true\n')
    assert main(["check", config.name]) == 0
    out = capsys.readouterr().out
    assert "journal: var/journal (created at the first start); " in out
    assert "; survives crashes of the process and power failures; " in out
    assert not (tmp_path / "var").exists()
    (tmp_path / "var").mkdir()
    SegmentStore.open(tmp_path / "var" / "journal").close()
    assert main(["check", config.name]) == 0
    assert "journal: var/journal (exists, 0 bytes)" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "var" / "journal")
    (tmp_path / "var" / "journal").write_bytes(b"12345")
    assert main(["check", config.name]) == 2
    assert "gateway.journal: var/journal: is not a folder; name a folder" in capsys.readouterr().err


def test_a_journal_that_cannot_be_used_is_one_message_and_exit_status_1(config, capsys, tmp_path):
    config.write_text(config.read_text() + f'[gateway]\njournal = "{tmp_path}"\n')
    assert main(["run", str(config)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert lines == [
        f"jackfield: {tmp_path}: is a folder that holds other things than a journal; name an empty or a new one"
    ]


def test_the_number_of_workers_has_a_bound_and_more_than_the_feeds_is_a_warning(config, capfd):
    with pytest.raises(SystemExit) as exit_:
        main(["run", str(config), "--workers", "65"])
    assert exit_.value.code == 2
    assert "must be between 1 and 64, not 65" in capfd.readouterr().err
    config.write_text(config.read_text() + '[serve]\nlisten = "127.0.0.1:0"\nopen = true\n')
    assert main(["run", str(config), "--workers", "9"]) == 2  # since it has [serve]
    assert "--workers: more than the feeds, of which there " in capfd.readouterr().err


def test_without_a_name_the_configuration_is_found(config, capsys, tmp_path, monkeypatch):
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("gateway.toml: valid\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["run"]) == 2
    assert "no configuration; name one, set JACKFIELD_CONFIG, or write gateway.toml" in capsys.readouterr().err
    monkeypatch.setenv("JACKFIELD_CONFIG", str(config))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{config}: valid\n")


def test_the_journal_is_beside_the_configuration_wherever_a_command_is_called(config, capsys, tmp_path, monkeypatch):
    config.write_text(config.read_text() + '[gateway]\njournal = "var/journal"\n')
    SegmentStore.open(tmp_path / "var" / "journal").close()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for path in (str(config), "../gateway.toml"):
        assert main(["journal", "stats", path, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["events"] == 0
    monkeypatch.setenv("JACKFIELD_CONFIG", str(config))
    assert main(["journal", "check"]) == 0


def test_a_warning_is_a_problem_where_check_is_strict(config, capsys):
    config.write_text(config.read_text().replace("contact.queued", "contact.qeued"))
    assert main(["check", str(config)]) == 0
    assert "did you mean contact.queued?" in capsys.readouterr().err
    assert main(["check", str(config), "--strict"]) == 2
    assert "routes[0].select[0]: contact.qeued: no feed delivers such events" in capsys.readouterr().err


def test_check_says_all_of_it_in_json(config, capsys):
    assert main(["check", str(config), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["valid"] and set(said["feeds"]) == {"office", "support"}
    assert said["feeds"]["support"]["subscriptions"][1]["selector"] == "vinix/**"
    assert said["routes"] == [{"select": ["contact.queued", "vinix/**"], "sinks": ["console"]}]
    config.write_text(config.read_text().replace("stdout", "stdoot"))
    assert main(["check", str(config), "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert not said["valid"] and [each["path"] for each in said["problems"]] == ["sinks.console.type"]


def test_nothing_in_a_configuration_reaches_the_terminal_as_a_command(tmp_path, capsys):
    path = tmp_path / "gateway.toml"
    path.write_text(
        '"\\u001b[2J" = 1\n[sinks."\\u001b[31m"]\n[feeds.a]\nprovider = "\\u001b]0;x"\ntoken = { env = "\\u001b" }\n'
    )
    assert main(["check", str(path)]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_check_finds_what_run_would_not_start_with(config, capsys):
    (config.parent / "other").mkdir()
    (config.parent / "other" / "letter.txt").touch()
    config.write_text(CONFIG + '[webhooks]\nlisten = "127.0.0.1:0"\ntls_cert = "none.pem"\n')
    assert main(["check", str(config)]) == 2
    assert "webhooks.tls_cert: " in (said := capsys.readouterr().err)
    assert "none.pem cannot be read: No such file" in said
    config.write_text(CONFIG + '[gateway]\njournal = "other"\n')
    assert main(["check", str(config)]) == 2
    assert "gateway.journal: " in (said := capsys.readouterr().err)
    assert "other: is a folder that holds other things than a journal" in said


def test_check_reports_every_problem_and_exits_with_2(config, capsys):
    wrong = CONFIG.replace('url = "ws://127.0.0.1:9"', 'ulr = "ws://127.0.0.1:9"').replace('"stdout"', '"stdoot"')
    config.write_text(wrong + "[gatway]\n")
    assert main(["check", str(config)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "jackfield: 4 problems in the configuration:",
        "  gatway: unknown option; did you mean gateway?",
        "  feeds.support.ulr: unknown option; did you mean url?",
        "  feeds.support.url: required: the gateway's URL, such as wss://host:5555, as Vinix gave it",
        "  sinks.console.type: no type 'stdoot' (installed: file, http, redis, stdout, vcon); did you mean stdout?",
    ]


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_configuration_file_is_reported(command, capsys):
    assert main([command, "none.toml"]) == 2
    assert "none.toml: No such file or directory" in capsys.readouterr().err


def test_check_warns_of_selectors_that_deliver_no_event(config, capsys):
    config.write_text(CONFIG.replace('"vinix/**"', '"acme/**", "offer.rejected @ voipbin/**", "voipbin/agent/**"'))
    assert main(["check", str(config)]) == 0
    warnings = capsys.readouterr().err.splitlines()
    reason = "VoIPBIN has no topic for the events of all agents; name one: voipbin/agent/<id>/**"
    assert warnings == [
        f"warning: feeds.office: voipbin/agent/**: {reason}",
        "warning: routes[0].select[1]: acme/**: no feed delivers such events",
        "warning: routes[0].select[2]: offer.rejected @ voipbin/**: no feed delivers such events",
    ]


def test_check_warns_of_a_prefix_that_delivers_more_than_was_selected(config, capsys):
    selectors = '["voipbin/customer/*/queue/q1/**", "contact.quued"]'
    content = CONFIG.replace('customer_id = "abc123"', 'customer_id = "abc123"\ndialect = "prefix"')
    config.write_text(content.replace('["contact.queued", "vinix/**"]', selectors))
    assert main(["check", str(config)]) == 0
    out, err = capsys.readouterr()
    topic = "customer_id:abc123:queue:q1"
    assert ["voipbin/customer/*/queue/q1/*", topic, "all", "but"] == out.split("filtered here")[1].split()[:4]
    assert err.splitlines() == [
        f"warning: feeds.office: {topic} is a prefix: it also brings whatever else begins with q1",
        "warning: feeds.support: no route selects anything of this feed",
        (
            "warning: routes[0].select[1]: contact.quued: no feed delivers such events; "
            "there is no kind contact.quued; did you mean contact.queued?"
        ),
    ]


def test_decode_writes_events_and_reports_frames_without_one(stdin, capfdbinary):
    stdin(
        b'{"event_type":"call.created","topic":"customer_id:c:call:1"}\n\nhello\r\n{"type":"ack","action":"subscribe"}\n'
    )
    assert main(["decode", "voipbin", "--number", "--feed", "office"]) == 0
    out, err = capfdbinary.readouterr()
    number, _, line = out.rstrip(b"\n").partition(b"\t")
    assert number == b"1"
    event = Event.from_cloudevent(line)
    assert (event.kind, event.feed) == ("call.initiated", "office")
    assert err.decode().splitlines() == [
        "line 3: unreadable: not valid JSON: JSON is malformed: invalid character (byte 0)",
        "line 4: no event: acknowledgement of subscribe",
        "3 frames: 1 event, 2 without one",
    ]


@pytest.mark.parametrize("topic", ["::::", "", "x"])
def test_decode_says_which_topic_is_none(topic, capsys):
    assert main(["decode", "voipbin", "--topic", topic]) == 2
    assert capsys.readouterr().err.startswith(f"jackfield: --topic: {topic!r} is not a topic <scope>_id:")


def test_decode_with_an_unknown_provider_is_wrong_usage(capsys):
    assert main(["decode", "acme"]) == 2
    assert capsys.readouterr().err == "jackfield: no provider 'acme' (installed: redis, vinix, voipbin)\n"


def test_plugins_lists_what_is_installed(capsys):
    assert main(["plugins"]) == 0
    out = capsys.readouterr().out
    assert "jackfield-voipbin" in out and "provider voipbin" in out and "jackfield_sinks" in out
    assert main(["plugins", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {each["entry_point"] for each in document["plugins"]} >= {"voipbin", "vinix", "stdout", "file", "http"}
    assert document["failures"] == []


def test_a_broken_plugin_is_reported_with_its_distribution_and_the_others_are_loaded(monkeypatch, tmp_path, capsys):
    (tmp_path / "jackfield_broken.py").write_text("raise RuntimeError('cannot work here')")
    info = tmp_path / "jackfield_broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: jackfield-broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[jackfield]\nbroken = jackfield_broken\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["plugins"]) == 0
    out, err = capsys.readouterr()
    assert "jackfield-voipbin" in out
    assert "plugin broken of jackfield-broken: cannot be imported: RuntimeError: cannot work here" in err
    assert main(["plugins", "--strict-plugins"]) == 2
    assert "cannot work here" in capsys.readouterr().err


def test_the_set_of_plugins_can_be_narrowed(monkeypatch, capsys):
    monkeypatch.setenv("JACKFIELD_PLUGINS", "voipbin, jackfield-file")
    assert main(["plugins"]) == 0
    out = capsys.readouterr().out
    assert "jackfield-voipbin" in out and "jackfield-file" in out and "jackfield-vinix" not in out
    assert main(["plugins", "--no-plugins"]) == 0
    assert "jackfield-" not in capsys.readouterr().out
    assert main(["plugins", "--plugins", "jackfield-vinix,stdout", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [each["entry_point"] for each in json.loads(out)["plugins"]] == ["stdout", "vinix"]
    assert err == ""
    assert main(["plugins", "--plugins", "acme"]) == 0
    assert "plugin acme of acme: not installed" in capsys.readouterr().err


def test_the_demo_names_the_plugins_that_it_needs(monkeypatch, capsys):
    monkeypatch.setenv("JACKFIELD_PLUGINS", "voipbin")
    assert main(["demo"]) == 2
    assert "install jackfield-stdout" in capsys.readouterr().err
    monkeypatch.setenv("JACKFIELD_PLUGINS", "stdout")
    assert main(["demo"]) == 2
    assert "install jackfield-voipbin or jackfield-vinix" in capsys.readouterr().err


def test_a_sink_that_cannot_be_opened_fails_the_run_with_1(config, capsys):
    config.write_text(CONFIG.replace('"stdout"', '"file"\npath = "gateway.toml/x"'))
    assert main(["run", str(config)]) == 1
    said = capsys.readouterr().err
    assert f"jackfield: sinks.console: cannot be opened: {config}: File exists" in said


# -- the console ---------------------------------------------------------------------------------------


def test_reports_are_shown_with_the_time_and_without_secrets_or_control_characters(capsys):
    registry = Registry().extended([Console()])
    registry.redact.add([Secret("text", "hunter2")])
    registry.observe(FeedStateChanged("office", FeedState.DISCONNECTED, "token hunter2\x1b[2J\nrefused"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line[2] == line[5] == ":"
    assert line[10:] == "office: disconnected: token *** [2J refused"


@pytest.mark.parametrize(("least", "shown"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)])
def test_reports_below_the_level_are_left_out(least, shown, capsys):
    console = Console(least)
    for report in (
        TopicConfirmed("f", "t"),
        FeedStateChanged("f", FeedState.CONNECTING),
        EventsDropped("w", 1, "r", 1),
    ):
        console.jackfield_observe(report)
    assert len(capsys.readouterr().err.splitlines()) == shown


def test_a_closed_terminal_is_not_an_error(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    say("hello")


class Command:
    """A plugin with a command of its own, whose `work` is what it does."""

    def __init__(self, work, name="acme"):
        self.work, self.name = work, name

    @hookimpl
    def jackfield_commands(self):
        def configure(parser):
            parser.add_argument("config")

        return [CommandSpec(self.name, "what acme can do", configure, self.work)]


@pytest.fixture
def offer(monkeypatch):
    """Install a plugin with a command."""

    def offer(work, name="acme"):
        registry = Registry.load()
        registry.add(Command(work, name))
        monkeypatch.setattr(extensions, "load_plugins", lambda: registry)

    return offer


def test_a_plugin_s_command_is_shown_and_run_with_the_feeds_of_a_configuration(offer, config, capsys):
    def work(options, host):
        host.print(", ".join(host.feeds(options.config)))
        host.say("that was all")
        return 1

    offer(work)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert re.search(r"^ +acme +what acme can do$", capsys.readouterr().out, re.MULTILINE)
    assert main(["acme", str(config)]) == 1
    assert capsys.readouterr() == ("office, support\n", "that was all\n")


def test_an_error_of_a_plugin_s_http_exchange_is_one_line(offer, capsys):
    def exchange():
        yield Request("GET", "http://127.0.0.1:1/customer")

    offer(lambda options, host: host.perform(exchange()))
    assert main(["acme", "x"]) == 1
    assert capsys.readouterr().err == "jackfield: GET http://127.0.0.1:1/customer: Connection refused\n"


def test_a_plugin_s_command_that_fails_is_reported_without_a_traceback(offer, capsys):
    offer(lambda options, host: 1 // 0)
    assert main(["acme", "x"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_plugin_s_command_never_takes_the_place_of_a_built_in_one(offer, capsys):
    offer(lambda options, host: 0, "check")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "a plugin's command 'check' is left out: a built-in command has this name" in capsys.readouterr().err
    assert main(["check", "none.toml"]) == 2


def test_built_in_commands_load_no_plugins_for_the_sake_of_other_commands(monkeypatch, capsys):
    monkeypatch.setattr(extensions, "load_plugins", None)
    assert main(["check", "none.toml"]) == 2


POSTED = """
[gateway]
[webhooks]
listen = "{listen}"

[feeds."head office"]
provider = "voipbin"
token = {{ env = "JACKFIELD_TEST_TOKEN" }}
customer_id = "abc123"
receive = "{receive}"
webhook_verify = false

[sinks.console]
type = "stdout"

[[routes]]
select = ["contact.queued", "vinix/**"]
sinks = ["console"]
"""


def test_check_prints_that_events_by_webhook_are_filtered_here(config, capsys):
    config.write_text(POSTED.format(listen="127.0.0.1:8080", receive="webhook"))
    assert main(["check", str(config)]) == 0
    out, err = capsys.readouterr()
    assert "webhooks: 127.0.0.1:8080, plain HTTP" in out
    assert "feed head office: voipbin, voipbin/customer/abc123, by webhook at /webhooks/head%20office" in out
    assert re.search("contact.queued +nothing: the vendor sends everything by webhook +all but contact.queued", out)
    assert "without TLS" not in err
    config.write_text(POSTED.format(listen="0.0.0.0:8080", receive="both"))
    assert main(["check", str(config)]) == 0
    out, err = capsys.readouterr()
    assert "and by webhook at /webhooks/head%20office: the vendor sends everything, which is filtered here" in out
    assert re.search("contact.queued +customer_id:abc123:queue", out)
    assert "webhooks.listen: 0.0.0.0:8080 can be reached from outside, and without TLS; give tls_cert" in err


def test_selectors_may_stand_behind_options(config, capsys, tmp_path):
    SegmentStore.open(tmp_path / "j").close()
    for arguments in (["--limit", "3", "contact.*"], ["contact.*", "--limit", "3", "agent.*"]):
        assert main(["journal", "events", str(tmp_path / "j"), *arguments]) == 0
    for wrong in (["--limit", "3", "contact.*", "--unknown"], ["--limit", "3", "contact..*"]):
        with pytest.raises(SystemExit) as caught:
            main(["journal", "events", str(tmp_path / "j"), *wrong])
        assert caught.value.code == 2
    assert "contact..*" in capsys.readouterr().err
