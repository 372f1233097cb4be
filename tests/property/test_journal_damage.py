"""Two hundred damages to a whole journal: ``journal check`` or the next start reports each, without a traceback."""

import random
import shutil
import struct
from contextlib import closing
from datetime import UTC, datetime

import pytest
from profiles import is_thorough

from jackfield._cli import main
from jackfield._journal.downtime import AccountRow
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import DeadLetterRow, Loss, Notes, Token
from jackfield.addresses import Address
from jackfield.errors import JournalError
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)


def make(number):
    address = Address("v", "s", "i", "call", "7", "status")
    return Event(str(number), "call.updated", address, AT, AT, "office", correlation=f"c{number % 3}", data=number)


def fill(path, count=30):
    with closing(SegmentStore.open(path, segment_bytes=1500, keep_keys=8)) as store:
        for number in range(count):
            store.append([make(number).to_json()], [number + 1], 5)
        dead = tuple(DeadLetterRow("crm", number, 7, 3, "no " * 99, make(number)) for number in range(5, 25))
        tokens, accounts = {"office": Token("t-7", 4)}, {"office": AccountRow(17, None, 16, None, 4)}
        store.save(Notes({"crm": 9, "mail": 12}, dead, tokens, accounts, {"crm": Loss(1, 2)}))
        store.delete_before(9)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name, count in (("journal", 30), ("other", 36)):
        fill(folder / name, count)
    return folder


def content(path):
    """All that a gateway or a command can get out of a journal."""
    with closing(SegmentStore.open(path, readonly=True)) as store:
        lines = [line for page in store.scan(-(2**62), 2**62, lambda _: None) for line in page]
        return lines, store.saved(), store.dead(), store.newest_keys(8), store.next, store.journal


def flip(file, rng, _other):
    data = bytearray(file.read_bytes())
    data[rng.randrange(len(data))] ^= rng.randint(1, 255)
    file.write_bytes(data)


def truncate(file, rng, _other):
    file.write_bytes(file.read_bytes()[: rng.choice([0, rng.randrange(file.stat().st_size)])])


def zero(file, rng, _other):
    data = bytearray(file.read_bytes())
    start = rng.randrange(len(data))
    length = min(len(data) - start, rng.choice([1, 16, 512, 4096]))
    data[start : start + length] = bytes(length)
    file.write_bytes(data)


def delete(file, _rng, _other):
    file.unlink()


def from_another(file, _rng, other):
    theirs = other / file.name
    shutil.copy(theirs if theirs.exists() else min(other.glob(f"*{file.suffix}")), file)


def double(file, _rng, _other):
    shutil.copy(file, file.with_name(f"copy-{file.name}"))


def swap(file, rng, _other):
    second = rng.choice([each for each in file.parent.iterdir() if each != file])
    one, two = file.read_bytes(), second.read_bytes()
    file.write_bytes(two)
    second.write_bytes(one)


def change_a_page(file, rng, _other):
    """A bit inside of a row of SQLite's file, or else anywhere."""
    data = bytearray(file.read_bytes())
    places = [at for at in range(len(data)) if data.startswith((b"crm", b"mail", b"office", b"t-7"), at)]
    at = rng.choice(places) if places else rng.randrange(len(data))
    data[max(0, at + rng.randint(-6, 10)) % len(data)] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def count_pages_wrong(file, rng, _other):
    if file.name == "state.db":
        data = bytearray(file.read_bytes())
        struct.pack_into(">I", data, rng.choice([16, 28, 32, 36, 40, 44, 52, 60, 68]), rng.randrange(2**16))
        file.write_bytes(data)
    else:
        flip(file, rng, _other)


DAMAGES = [flip, truncate, zero, delete, from_another, double, swap, change_a_page, count_pages_wrong]
KINDS = ["state.db", "journal.json", "writer.json", "*.index", "*.keys", "*.jsonl"]


@pytest.mark.parametrize("seed", range(200 if is_thorough() else 27))
def test_no_damage_to_any_file_goes_unreported(whole, tmp_path, capsys, seed):
    rng = random.Random(seed)
    path = tmp_path / "journal"
    shutil.copytree(whole / "journal", path)
    before = content(path)
    file = rng.choice(sorted(path.glob(KINDS[seed % len(KINDS)])))
    DAMAGES[(seed + seed // len(KINDS)) % len(DAMAGES)](file, rng, whole / "other")
    status = main(["journal", "check", str(path)])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    reported = status != 0
    try:
        with closing(SegmentStore.open(path, segment_bytes=1500, keep_keys=8)) as store:
            assert store.next >= before[4], "a position would be given twice"
            reported = reported or bool(store.findings)
    except JournalError as error:
        reported = True
        assert str(path) in str(error)
    else:
        assert reported or content(path) == before
