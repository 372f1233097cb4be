"""The commands that pages show: each is one that the command line takes, and those on the journal are carried out."""

import re
import shlex
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jackfield._cli import _parsed, main, whole_parser
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import DeadLetterRow, Durable, Notes
from jackfield.addresses import Address
from jackfield.events import Event

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/how-to/*.md")), *sorted(ROOT.glob("docs/tutorial/*.md"))]
ENDS = {"|", "<", ">", ">>", "&&", ";", "&"}


def commands(page):
    """What a page shows to be typed, without what stands behind a pipe."""
    found = []
    for block in re.findall(r"^```(?:sh|console|)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if (line := line.removeprefix("$ ")).startswith("jackfield "):
                words = shlex.split(line, comments=True)
                found.append(words[1 : next((at for at, word in enumerate(words) if word in ENDS), None)])
    return found


@pytest.fixture(scope="module")
def parser():
    return whole_parser()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_command_that_is_shown_is_one(page, parser, capsys):
    for words in commands(page):
        try:
            _parsed(parser, words)
        except SystemExit as error:
            assert error.code == 0, (words, capsys.readouterr().err)


CONFIG = """
[gateway]
journal = "var/journal"
[feeds.office]
provider = "voipbin"
token = "t"
customer_id = "abc123"
[sinks.archive]
type = "file"
path = "var/archive.jsonl"
[sinks.crm]
type = "file"
path = "var/crm.jsonl"
[[routes]]
select = ["contact.*"]
sinks = ["archive"]
[[routes]]
select = ["call.*"]
sinks = ["crm"]
"""


def make(number, received):
    address = Address("voipbin", "customer", "abc123", "queue", "7", "joined")
    return Event(f"id-{number}", "contact.queued", address, received, received, "office", "ID", data={"n": number})


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """A journal that has all that the page speaks of."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gateway.toml").write_text(CONFIG)
    now = datetime.now(UTC)
    for name, moments in {
        "journal": [datetime(2026, 11, 21, 8, 30, tzinfo=UTC), now - timedelta(hours=1)],
        "journal.rescued-20261121T080000Z": [now],
    }.items():
        with closing(SegmentStore.open(tmp_path / "var" / name)) as store:
            for received in moments:
                event = make(f"{name} {received}", received)
                store.append([event.to_json()], [int(received.timestamp() * 1_000_000)], 5)
            dead = DeadLetterRow("crm", 2, 5, 1, "no such customer", event)
            store.save(
                Notes(cursors={"archive": 3, "crm": 3, "old": 1}, dead=(dead,), durable={"wall/desk": Durable(1, "**")})
            )
    return tmp_path


def test_the_journals_commands_do_what_the_page_says_one_after_the_other(journal, capsys):
    for words in commands(ROOT / "docs" / "how-to" / "replay.md"):
        here = [word.replace("/backup/", f"{journal}/backup-") for word in words]
        assert main(here) == 0, (here, capsys.readouterr().err)
    replayed = [Event.from_cloudevent(line) for line in (journal / "var" / "archive.jsonl").read_text().splitlines()]
    assert [(each.id, each.origin) for each in replayed] == [("id-journal 2026-11-21 08:30:00+00:00", "replay")]
    assert (journal / "var" / "crm.jsonl").read_text().count('"origin":"replay"') == 1
    capsys.readouterr()
    assert main(["journal", "dead-letters", "gateway.toml"]) == 0
    assert capsys.readouterr().out == ""
