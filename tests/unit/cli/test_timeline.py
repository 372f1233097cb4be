"""`jackfield timeline`: a contact by its correlation or by a number, from the indexes of a journal."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jackfield._cli import main
from jackfield._journal.store import SegmentStore
from jackfield.addresses import Address
from jackfield.events import Event, Parties

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
KINDS = ("contact.queued", "offer.created", "contact.connected", "contact.ended")


def event(number, step, **data):
    kind = data.pop("kind", KINDS[step])
    at = NOW + timedelta(seconds=10 * number + step)
    entity, _, word = kind.partition(".")
    address = Address("acme", "account", "A", entity, "office" if entity == "stream" else f"c{number}", word)
    parties = Parties(caller=f"+49{number % 50:04}", queue_name="Sales\x1b[2J", queue_id="q1")
    correlation = None if entity == "stream" else f"c{number}"
    return Event(f"{kind}-{number}", kind, address, at, at, "office", correlation, parties=parties, data=data or None)


@pytest.fixture(name="journal", scope="module")
def _journal(tmp_path_factory):
    path = tmp_path_factory.mktemp("timeline") / "journal"
    store = SegmentStore.open(path, segment_bytes=100_000)
    for number in range(300):
        events = [event(number, step) for step in range(len(KINDS))]
        if number == 7:
            gap = {"since": events[1].time.isoformat(), "until": events[2].time.isoformat()}
            events.append(event(number, 2, kind="stream.gap_suspected", **gap))
        store.append([each.to_json() for each in events], [int(each.received.timestamp() * 1e6) for each in events], 0)
    for _ in store.maintain():
        pass
    store.close()
    return path


def test_by_its_correlation(journal, capsys):
    assert main(["timeline", str(journal), "c7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2026-11-26 09:01:10 to 09:01:13 (3 s)")
    assert [line.split()[-1] if "!" in line else line for line in lines if "gap" in line] == ["09:01:12"]
    assert lines[-1] == "waited 2 s, with an agent for 1 s"
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("number", ["+490007", "490007", "00490007", "+49 (00) 07", "+49-0007"])
def test_by_a_number_in_whatever_spelling(journal, capsys, number):
    assert main(["timeline", str(journal), number]) == 0
    said = capsys.readouterr()
    assert said.out.count("waited 2 s") == 6  # every fiftieth of three hundred
    assert said.out.index("09:01:10") < said.out.index("09:09:30")


def test_the_newest_contacts_and_their_events_as_they_are(journal, capsys):
    assert main(["timeline", str(journal), "+490007", "--last", "2", "--json"]) == 0
    said = capsys.readouterr()
    events = [json.loads(line) for line in said.out.splitlines()]
    assert list(dict.fromkeys(each["correlationid"] for each in events)) == ["c207", "c257"]
    assert "4 earlier contacts" in said.err


def test_nobody_is_known(journal, capsys):
    assert main(["timeline", str(journal), "+1"]) == 1
    assert "+1" in capsys.readouterr().err
    assert main(["timeline", str(journal / "nowhere"), "+1"]) == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([""], "is empty"),
        (["\udcff"], "is not UTF-8"),
        (["c1", "--last", "0"], "must be at least 1"),
        (["c1", "--last", "-3"], "must be at least 1"),
    ],
)
def test_what_cannot_be_looked_for_is_wrong_usage(journal, arguments, problem, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["timeline", str(journal), *arguments])
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err
