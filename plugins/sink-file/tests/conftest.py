"""What the tests share: events with numbers for ids, a clock that stands still, a reader of all that was written."""

import gzip
import json
import sys
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.sink import Batch

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def make_event(number, kind="agent.ready", **more):
    address = Address("voipbin", "customer", more.pop("scope_id", "abc"), "agent", "7", "ready")
    at = more.pop("received", datetime(2026, 1, 1, tzinfo=UTC))
    return Event(str(number), kind, address, None, at, "office", **more)


def make_batch(*numbers, **more):
    return Batch(tuple(make_event(number, **more) for number in numbers))


@attrs.define
class Clock:
    """Stands still until it is seen to move."""

    moment: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self):
        return self.moment

    def move(self, **by):
        self.moment += timedelta(**by)


@attrs.frozen
class Written:
    """A folder, as a reader of the delivered events finds it."""

    folder: object

    def names(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def bytes_of(self, name):
        content = (self.folder / name).read_bytes()
        if name.endswith(".gz"):
            return gzip.decompress(content)
        return zstd.decompress(content) if name.endswith(".zst") else content

    def ids(self, *names):
        """The ids in these files, one after the other; every line must be whole."""
        found = []
        for name in names:
            content = self.bytes_of(name)
            assert content == b"" or content.endswith(b"\n"), f"{name} ends in a torn line"
            found += [int(json.loads(line)["id"]) for line in content.splitlines()]
        return found

    def all_ids(self):
        return self.ids(*(name for name in self.names() if "@torn" not in name and "@part" not in name))


@pytest.fixture
def event():
    return make_event


@pytest.fixture
def batch():
    return make_batch


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def written(tmp_path):
    return Written(tmp_path)
