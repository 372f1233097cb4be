"""`jackfield journal`: what a journal's file holds, and sending it once more."""

import itertools
import json
import re
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest

from jackfield._cli import main
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import DeadLetterRow, Durable, Loss, Notes
from jackfield.addresses import Address
from jackfield.errors import JournalError
from jackfield.events import Event

NOW = datetime.now(UTC)
CONFIG = """
[gateway]
journal = "var/journal"

[feeds.office]
provider = "voipbin"
url = "ws://127.0.0.1:9/v1.0/ws"
token = {{ env = "JACKFIELD_TEST_TOKEN" }}
customer_id = "abc123"

[sinks.archive]
type = "file"
path = "archive.jsonl"

[sinks.crm]
type = "http"
url = "{url}"

[[routes]]
select = ["call.*"]
sinks = ["archive"]

[[routes]]
select = ["**"]
sinks = ["crm"]
"""


def make(number, kind="call.updated", age=0):
    address = Address("voipbin", "customer", "abc123", kind.partition(".")[0], str(number), "updated")
    at = NOW - timedelta(seconds=age)
    return Event(f"id-{number}", kind, address, at, at, "office", data={"n": number})


EVENTS = [make(1, age=72_000), make(2, age=36_000), make(3, "agent.ready", 60), make(4), make(5)]


def microseconds(event):
    return int(event.received.timestamp() * 1_000_000)


def append(store, *events):
    store.append([event.to_json() for event in events], list(map(microseconds, events)), 0)


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.setenv("JACKFIELD_TEST_TOKEN", "hunter2")
    monkeypatch.delenv("JACKFIELD_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)


@attrs.define
class Crm:
    """A receiver that refuses the events of some ids."""

    url: str = ""
    refuses: tuple = ()
    got: list = attrs.field(factory=list)


@pytest.fixture
def crm():
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            refused = event["id"] in crm.refuses
            if not refused:
                crm.got.append(event)
            self.send_response(422 if refused else 204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    crm.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield crm
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def config(tmp_path, crm):
    (tmp_path / "gateway.toml").write_text(CONFIG.format(url=crm.url))
    store = SegmentStore.open(tmp_path / "var" / "journal")
    append(store, *EVENTS)
    dead_rows = [
        DeadLetterRow("crm", 1 + place, microseconds(EVENTS[place]), 3, "answered HTTP 422", EVENTS[place])
        for place in (0, 2)
    ]
    losses = {"archive": Loss(slow=7)}
    store.save(Notes({"crm": store.next, "archive": 3}, tuple(dead_rows), losses=losses))
    store.close()
    return "gateway.toml"


@pytest.fixture
def journal(capfdbinary):
    """Run an action; its status, the lines of its output, and what it said."""

    def journal(*arguments):
        try:
            status = main(["journal", *arguments])
        except SystemExit as end:
            status = end.code
        out, err = capfdbinary.readouterr()
        return status, out.decode().splitlines(), err.decode()

    return journal


def ids(lines):
    return [json.loads(line)["id"] for line in lines]


def test_stats_tell_how_much_there_is_and_how_far_each_sink_has_come(config, journal):
    status, lines, err = journal("stats", config)
    assert (status, err) == (0, "")
    assert lines[0].startswith("var/journal: 5 events, positions 1 to 5, ")
    assert lines[1].startswith(f"received between {EVENTS[0].received:%Y-%m-%d %H:%M:%S} and ")
    assert lines[2:4] == [
        "sink archive: 3 behind, 0 dead letters, 7 lost while it was slow",
        "sink crm: 0 behind, 2 dead letters",
    ]
    assert re.fullmatch(r"an outage: 1 GB is about \d+ days at 5.56e-05 events/s", lines[4])
    _, lines, _ = journal("stats", "var/journal", "--json")
    stats = json.loads("\n".join(lines))
    assert (stats["events"], stats["first"], stats["last"]) == (5, 1, 5)
    assert stats["sinks"] == {
        "archive": {"next": 3, "behind": 3, "dead": 0, "lost_while_down": 0, "lost_while_slow": 7},
        "crm": {"next": 6, "behind": 0, "dead": 2, "lost_while_down": 0, "lost_while_slow": 0},
    }


def test_stats_of_an_empty_journal_are_reported_too(tmp_path, journal):
    SegmentStore.open(tmp_path / "empty").close()
    status, lines, _ = journal("stats", "empty")
    assert status == 0
    assert lines[0].startswith("empty: 0 events, ")


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ([], [1, 2, 3, 4, 5]),
        (["agent.*"], [3]),
        (["agent.*", "voipbin/*/*/call/1/**"], [1, 3]),
        (["--since", "15h"], [2, 3, 4, 5]),
        (["--until", "15h"], [1]),
        (["--since", "15h", "--until", "5h"], [2]),
        (["--since", (NOW - timedelta(minutes=5)).isoformat()], [3, 4, 5]),
        (["--limit", "2"], [1, 2]),
        (["contact.*"], []),
    ],
)
def test_events_are_shown_by_selector_and_time_as_they_went_out(arguments, numbers, config, journal):
    status, lines, err = journal("events", config, *arguments)
    assert (status, err) == (0, "")
    assert ids(lines) == [f"id-{number}" for number in numbers]
    assert [Event.from_cloudevent(line) for line in lines] == [EVENTS[number - 1] for number in numbers]


def test_one_contacts_events_of_one_second_are_shown_as_one_follows_from_the_other(tmp_path, journal):
    came = ["ended", "disconnected", "dequeued", "connected", "queued", "created"]
    events = [
        attrs.evolve(make(place, f"contact.{word}"), time=NOW, correlation="c") for place, word in enumerate(came)
    ]
    store = SegmentStore.open(tmp_path / "one")
    append(store, *events)
    store.close()
    assert ids(journal("events", "one", "--correlation", "c")[1]) == [f"id-{place}" for place in range(5, -1, -1)]


def test_one_contacts_events_are_shown_as_they_happened_in_whatever_order_they_came(tmp_path, journal):
    """One that nobody knows the time of stands where it was received."""
    happened = {"created": 0, "queued": 1, "connected": 2, "ended": None}
    came = [("ended", "c"), ("connected", "c"), ("queued", "other"), ("created", "c"), ("queued", "c"), ("ended", None)]
    events = [
        attrs.evolve(
            make(place, f"contact.{word}"),
            time=None if happened[word] is None else NOW + timedelta(seconds=happened[word]),
            received=NOW + timedelta(seconds=10 + place),
            correlation=correlation,
        )
        for place, (word, correlation) in enumerate(came)
    ]
    store = SegmentStore.open(tmp_path / "story")
    append(store, *events)
    store.close()
    arguments = ("events", "story", "--correlation", "c")
    assert ids(journal(*arguments)[1]) == ["id-3", "id-4", "id-1", "id-0"]
    assert ids(journal(*arguments, "--limit", "2")[1]) == ["id-3", "id-4"]
    assert ids(journal("events", "story", "contact.queued", "--correlation", "c")[1]) == ["id-4"]
    assert journal("events", "story", "--correlation", "nobody") == (0, [], "")


def test_dead_letters_are_shown_with_their_reasons(config, journal):
    status, lines, _ = journal("dead-letters", config)
    first, second = map(json.loads, lines)
    assert status == 0
    assert (first["sink"], first["position"], first["attempts"], first["reason"]) == ("crm", 1, 3, "answered HTTP 422")
    assert (first["event"]["id"], second["event"]["id"]) == ("id-1", "id-3")
    assert datetime.fromisoformat(first["at"]).tzinfo == UTC
    assert ids(json.dumps(json.loads(line)["event"]) for line in journal("dead-letters", config, "agent.ready")[1]) == [
        "id-3"
    ]
    assert journal("dead-letters", config, "--sink", "archive")[1] == []


def test_what_can_select_nothing_is_said(config, journal):
    status, out, err = journal("dead-letters", config, "--sink", "crn")
    assert (status, out) == (1, [])
    assert "no sink 'crn'; there are: archive, crm" in err
    for action in ("events", "dead-letters", "replay", "export"):
        more = ["day.jsonl"] if action == "export" else []
        status, out, err = journal(action, config, *more, "--since", "5h", "--until", "15h")
        assert (status, out) == (2, [])
        assert "--until: " in err
        assert "is not after --since, " in err
    assert (
        journal("replay", config, "**", "--since", "2100-01-01")[2].strip() == "no event is selected, so none is sent"
    )


@pytest.mark.parametrize("arguments", [("check", ""), ("journal", "stats", ""), ("tail", ""), ("timeline", "", "x")])
def test_an_empty_name_is_not_the_folder_here(arguments, config, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "is empty; name a file or a folder" in capsys.readouterr().err


def test_a_number_that_is_none_is_no_number_of_seconds(config, capsys):
    for arguments in (["reload", config, "--timeout", "nan"], ["doctor", config, "--seconds", "nan"]):
        with pytest.raises(SystemExit):
            main(arguments)
        assert "nan" in capsys.readouterr().err


def test_a_replay_goes_where_the_routes_lead_and_keeps_the_ids(config, crm, journal, tmp_path):
    status, out, err = journal("replay", config, "**", "--since", "15h")
    assert (status, out) == (0, [])
    assert sorted(event["id"] for event in crm.got) == ["id-2", "id-3", "id-4", "id-5"]
    assert {event["origin"] for event in crm.got} == {"replay"}
    assert ids((tmp_path / "archive.jsonl").read_text().splitlines()) == ["id-2", "id-4", "id-5"]
    assert "archive: 3 of 3 events replayed\n" in err
    assert "crm: 4 of 4 events replayed\n" in err
    assert journal("stats", config)[1][2] == "sink archive: 3 behind, 0 dead letters, 7 lost while it was slow"


def test_a_sink_that_is_named_gets_what_is_selected_whatever_its_routes_say(config, crm, journal, tmp_path):
    assert journal("replay", config, "agent.*", "--sink", "archive")[0] == 0
    assert ids((tmp_path / "archive.jsonl").read_text().splitlines()) == ["id-3"]
    assert crm.got == []


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(config, crm, journal, tmp_path):
    status, lines, _ = journal("replay", config, "**", "--dry-run")
    assert status == 0
    assert lines == [
        "archive: 4 events would be sent",
        "         4  call.updated",
        "crm: 5 events would be sent",
        "         4  call.updated",
        "         1  agent.ready",
    ]
    assert crm.got == []
    assert not (tmp_path / "archive.jsonl").exists()


def test_a_dead_letter_that_arrives_is_one_no_more_and_one_that_is_refused_again_stays(config, crm, journal):
    crm.refuses = ("id-3",)
    status, _, err = journal("replay", config, "--dead")
    assert status == 1
    assert "crm: 1 of 2 events replayed, 1 refused again\n" in err
    assert [(event["id"], event["origin"]) for event in crm.got] == [("id-1", "replay")]
    assert [json.loads(line)["event"]["id"] for line in journal("dead-letters", config)[1]] == ["id-3"]
    crm.refuses = ()
    assert journal("replay", config, "--dead")[0] == 0
    assert journal("dead-letters", config)[1] == []


@pytest.mark.parametrize("dead", [True, False])
def test_a_replayed_event_has_the_position_that_it_has_in_the_journal(config, crm, journal, monkeypatch, dead):
    """A sink that stores positions would take the number of a dead letter for another event, which it has already."""
    seen = {}

    async def write(_self, batch):
        seen.update(zip((event.id for event in batch.events), batch.positions, strict=True))
        batch.delivered(len(batch))

    monkeypatch.setattr("jackfield_http.writer.HTTPWriter.write", write)
    assert journal("replay", config, *(["--dead"] if dead else ["**", "--sink", "crm"]))[0] == 0
    (journal_id,) = {position.partition("-")[0] for position in seen.values()}
    assert len(journal_id) == 32
    expected = {f"id-{number}": f"{journal_id}-{number:016d}" for number in ((1, 3) if dead else range(1, 6))}
    assert seen == expected


def test_dead_letters_are_replayed_beside_a_gateway_that_uses_the_journal(config, crm, journal, tmp_path):
    store = SegmentStore.open(tmp_path / "var" / "journal")
    assert journal("replay", config, "--dead")[0] == 0
    assert store.dead_count() == {}
    append(store, make(6))
    store.close()


def test_letters_that_were_delivered_and_cannot_be_taken_out_are_reported_and_are_no_traceback(
    config, crm, journal, tmp_path, monkeypatch
):
    monkeypatch.setattr("jackfield._journal.store.opening.BUSY_MILLISECONDS", 10)
    with closing(sqlite3.connect(tmp_path / "var" / "journal" / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, _, err = journal("replay", config, "--dead")
        other.execute("ROLLBACK")
    assert status == 1
    assert "dead letters that were delivered cannot be deleted: database is locked" in err
    assert "Traceback" not in err
    assert [event["id"] for event in crm.got] == ["id-1", "id-3"]
    assert len(journal("dead-letters", config)[1]) == 2


def test_a_damaged_page_that_a_replay_comes_upon_is_reported_and_is_no_traceback(config, journal, monkeypatch):
    scan, calls = SegmentStore.scan, itertools.count()

    def damaged_after_the_count(self, *span):
        if next(calls) >= 2:
            raise JournalError("var/journal: cannot be read: Input/output error")
        return scan(self, *span)

    monkeypatch.setattr(SegmentStore, "scan", damaged_after_the_count)
    status, _, err = journal("replay", config, "**")
    assert status == 1
    assert "jackfield: var/journal: cannot be read: Input/output error\n" in err
    assert "Traceback" not in err


def test_an_event_that_is_no_event_is_reported_by_its_number_and_passed_over(config, journal, tmp_path):
    store = SegmentStore.open(tmp_path / "var" / "journal")
    store.append([b"{}", make(7).to_json()], [microseconds(make(number)) for number in (6, 7)], 0)
    store.close()
    status, lines, err = journal("events", config, "--since", (NOW - timedelta(seconds=9)).isoformat())
    assert (status, ids(lines)) == (0, ["id-4", "id-5", "id-7"])
    assert err == "event 6 cannot be read: it is not what was written\n"


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["stats", "none.toml"], "none.toml: there is no such file or folder"),
        (["stats", "memory.toml"], "gateway.journal: 'memory' is not a folder, and cannot be inspected"),
        (["replay", "gateway.toml"], "say what to replay"),
        (["replay", "var/journal", "**"], "replay needs the configuration"),
        (["replay", "gateway.toml", "**", "--sink", "crn"], "--sink: no sink 'crn'; there are: archive, crm"),
        (["events", "gateway.toml", "contact"], "a kind is two words"),
        (["events", "gateway.toml", "--since", "yesterday"], "'yesterday' is not a time"),
        (["events", "gateway.toml", "--since", "999999999999d"], "is not a time"),
        (["events", "gateway.toml", "--limit", "0"], "must be at least 1"),
        ([], "ACTION"),
    ],
)
def test_wrong_usage_is_reported(arguments, reported, config, journal, tmp_path):
    (tmp_path / "memory.toml").write_text("[gateway]\n")
    status, out, err = journal(*arguments)
    assert (status, out) == (2, [])
    assert reported in err


def test_a_journal_that_is_not_there_yet_is_reported_and_not_made(config, journal, tmp_path):
    (tmp_path / "new.toml").write_text('[gateway]\njournal = "new"\n')
    status, _, err = journal("events", "new.toml")
    assert status == 1
    assert "new" in err
    assert not (tmp_path / "new").exists()


def test_a_check_of_a_whole_journal_finds_nothing_and_one_of_a_damaged_one_names_each_event(config, journal, tmp_path):
    status, out, err = journal("check", config)
    assert (status, out) == (0, [])
    assert err.endswith("journal: 5 events read, 0 problems\n")
    (segment,) = (tmp_path / "var" / "journal").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"id-2"', b'"id-9"'))
    status, out, err = journal("check", config)
    assert status == 1
    assert any("event 2 is not what was written" in line for line in out)
    assert "5 events read, " in err


def test_a_sink_that_is_not_configured_any_more_can_be_forgotten_beside_a_gateway(config, journal, tmp_path):
    store = SegmentStore.open(tmp_path / "var" / "journal")
    store.save(Notes({"old": 2}))
    status, _, err = journal("forget-sink", config, "old")
    assert status == 0
    assert "sink old is forgotten" in err
    assert sorted(store.cursors()) == ["archive", "crm"]
    store.close()
    status, _, err = journal("forget-sink", config, "old")
    assert status == 1
    assert "no sink 'old'; there are: archive, crm" in err
    status, _, err = journal("forget-sink", config, "crm")
    assert status == 2
    assert "sink 'crm' is configured" in err


def test_durable_subscriptions_are_in_the_statistics_and_can_be_forgotten_while_no_gateway_runs(
    config, journal, tmp_path
):
    store = SegmentStore.open(tmp_path / "var" / "journal")
    store.save(Notes(durable={"wall/desk": Durable(4, "**"), "crm": Durable(6, "**")}))
    status, _, err = journal("forget-durable", config, "wall/desk")
    assert status == 1
    assert "another process" in err or "process" in err
    store.close()
    _, out, _ = journal("stats", config)
    assert "durable subscription wall/desk: 2 behind" in out
    _, out, _ = journal("stats", config, "--json")
    assert json.loads("\n".join(out))["durable"] == {
        "crm": {"next": 6, "behind": 0},
        "wall/desk": {"next": 4, "behind": 2},
    }
    status, _, err = journal("forget-durable", config, "wall/desk")
    assert status == 0
    assert "the durable subscription wall/desk is forgotten" in err
    status, _, err = journal("forget-durable", config, "wall/desk")
    assert status == 1
    assert "no durable subscription 'wall/desk'; there are: crm" in err


def test_all_durable_subscriptions_of_a_token_are_forgotten_at_once(config, journal, tmp_path):
    with closing(SegmentStore.open(tmp_path / "var" / "journal")) as store:
        store.save(Notes(durable=dict.fromkeys(["old/a", "old/b", "older/c", "old"], Durable(1, "**"))))
    status, _, err = journal("forget-durable", config, "old/")
    assert (status, err.count("is forgotten")) == (0, 2)
    _, out, _ = journal("stats", config, "--json")
    assert set(json.loads("\n".join(out))["durable"]) == {"old", "older/c"}
    assert journal("forget-durable", config, "wall/")[0] == 1
