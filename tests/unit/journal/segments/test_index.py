"""Events are found by their attributes, receipt and keys, with and without an index, and a wrong index is reported."""

import json
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._journal.segments import SegmentFolder
from jackfield._journal.segments.keys import key_of


def line(position, **more):
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"{position:032x}" if position % 2 else f"id {position}",
            "source": "/voipbin/customer/a%2Fb",
            "type": "stream.connected" if position % 10 == 0 else "call.updated",
            "correlationid": f"contact-{position % 7}",
            **more,
        },
        separators=(",", ":"),
    ).encode()


def fill(folder, count):
    for _ in range(count):
        folder.append([line(folder.next)], [folder.next * 10], folder.next * 10)


@pytest.fixture
def folder(tmp_path):
    folder = SegmentFolder.open(tmp_path / "journal", segment_bytes=2000)
    fill(folder, 50)
    yield folder
    folder.close()


def found(folder, name, value):
    return [each.position for each in folder.find(name, value)]


def everything(folder):
    """By what can be asked for: what is found."""
    return {
        "correlation": found(folder, "correlationid", "contact-3"),
        "hexadecimal id": found(folder, "id", f"{7:032x}"),
        "other id": found(folder, "id", "id 8"),
        "nothing": found(folder, "caller", "contact-3"),
        "time": [each.position for page in folder.scan(105, 405, print) for each in page],
        "keys": folder.newest_keys(20),
    }


EXPECTED = {
    "correlation": [*range(3, 51, 7)],
    "hexadecimal id": [7],
    "other id": [8],
    "nothing": [],
    "time": [*range(11, 41)],
    "keys": [key_of("voipbin", "customer", "a/b", f"{n:032x}" if n % 2 else f"id {n}") for n in range(1, 51) if n % 10][
        -20:
    ],
}


def test_the_same_is_found_without_an_index_with_some_and_with_all(folder):
    assert everything(folder) == EXPECTED
    for _ in folder.maintain():
        pass
    indexes = len([*folder.path.glob("*.index")])
    assert indexes == len([*folder.path.glob("*.jsonl")]) - 1
    assert everything(folder) == EXPECTED
    folder.close()
    reader = SegmentFolder.open(folder.path, readonly=True)
    assert everything(reader) == EXPECTED
    assert reader.findings == []
    assert [*reader.check()] == []


def test_an_index_goes_where_its_segment_goes_and_where_it_grows(folder):
    folder.close()
    again = SegmentFolder.open(folder.path, segment_bytes=2000)
    fill(again, 1)
    assert found(again, "id", f"{51:032x}") == [51]
    again.delete_before(45)
    assert {each.stem for each in folder.path.glob("*.index")} <= {each.stem for each in folder.path.glob("*.jsonl")}
    again.close()


@pytest.mark.parametrize("damage", ["remove", "flip its head", "flip its keys", "flip its end", "cut", "swap", "empty"])
def test_an_index_that_is_not_right_is_reported_and_made_again(folder, damage):
    folder.close()
    index, other, *_ = sorted(folder.path.glob("*.index"))
    data = bytearray(index.read_bytes())
    match damage:
        case "remove":
            index.unlink()
        case "flip its head":
            data[30] ^= 1
        case "flip its keys":
            data[data.index(b"\n") + 5] ^= 1
        case "flip its end":
            data[-1] ^= 1
        case "cut":
            del data[-7:]
        case "empty":
            data.clear()
    if damage == "swap":
        content = other.read_bytes()
        other.write_bytes(data)
        index.write_bytes(content)
    elif damage != "remove":
        index.write_bytes(data)
    again = SegmentFolder.open(folder.path, segment_bytes=2000)
    problems = [*again.check()]
    assert index.name in problems[0]
    assert everything(again) == EXPECTED
    again.close()
    mended = SegmentFolder.open(folder.path, segment_bytes=2000)
    assert [*mended.check()] == []
    assert everything(mended) == EXPECTED
    mended.close()


def test_a_reader_finds_what_a_writer_has_confirmed_while_it_writes_and_deletes(folder):
    reader = SegmentFolder.open(folder.path, readonly=True)
    fill(folder, 30)
    folder.delete_before(20)
    assert reader.findings == []
    with closing(SegmentFolder.open(folder.path, readonly=True)) as later:
        assert found(later, "correlationid", "contact-3") == [n for n in range(folder.first, 81) if n % 7 == 3]
        assert later.findings == []


def test_a_scan_reports_what_it_cannot_read(folder):
    file = sorted(folder.path.glob("*.jsonl"))[1]
    data = bytearray(file.read_bytes())
    data[data.rindex(b"call.updated")] ^= 1
    file.write_bytes(data)
    problems = []
    pages = [*folder.scan(0, 10_000, problems.append)]
    assert sum(map(len, pages)) == 49
    assert [problem.endswith("is not what was written") for problem in problems] == [True]


def test_the_size_of_a_journal_is_that_of_all_its_segments_and_indexes(folder):
    for _ in folder.maintain():
        pass
    files = [*folder.path.glob("*.jsonl"), *folder.path.glob("*.index")]
    assert folder.size == sum(file.stat().st_size for file in files)
    folder.delete_before(folder.cut(keep_bytes=4000, keep_after=0, floor=1))
    files = [*folder.path.glob("*.jsonl"), *folder.path.glob("*.index")]
    assert sum(file.stat().st_size for file in files) == folder.size <= 4000


def test_other_attributes_are_refused_by_name(folder):
    with pytest.raises(ValueError, match="'feed' is not one of id, correlationid"):
        found(folder, "feed", "office")


ids = st.text(min_size=1) | st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(one=st.tuples(st.text(), st.text(), st.text(), ids), other=st.tuples(st.text(), st.text(), st.text(), ids))
def test_two_events_have_one_key_only_if_source_and_id_are_the_same(one, other):
    assert (key_of(*one) == key_of(*other)) == (one == other)
    assert len(key_of(*one)) == 16
