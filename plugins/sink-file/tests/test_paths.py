"""`jackfield_file.paths`: whatever an event says, its file is inside the folder, and nobody else's."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.testing import strategies
from jackfield_file.openfile import open_file
from jackfield_file.paths import FIELDS, Template
from jackfield_file.rotation import PART, TORN, find_rotated

HOSTILE = [
    ".", "..", "...", "../..", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "\0", "a\0b", "", "_", "-", "~", " ",
    "\n", "@", "@torn", "a.jsonl", ".jsonl", "a.jsonl@torn", "a@20261121T120000.000000Z", "%2E%2E", "%", "%00", "CON",
    "@20261121T120000.000000Z.gz@part", "{kind}", "$HOME", "é" * 200, "a" * 219, "a" * 220, "a" * 221, "a" * 5000,
    "/" * 300, "\ud800",
]  # fmt: skip
TEMPLATES = [
    "var/{provider}/{scope_id}/{date}/{kind}.jsonl",
    "var/{scope}-{scope_id}-{resource}-{resource_id}-{feed}.jsonl",
    "var/{correlation}",
    "{feed}",
    "{entity}/{hour}/all.jsonl",
    "var/x.{kind}/.{feed}/a@{scope_id}@b.jsonl.log",
    "var/fixed.jsonl",
]


def hostile():
    return st.sampled_from(HOSTILE) | st.text(alphabet=st.characters(), max_size=12) | st.text("./@%a~_", max_size=8)


def events():
    address = st.builds(Address, *[hostile()] * 6)
    return st.builds(
        Event,
        id=st.just("1"),
        kind=hostile(),
        address=address,
        time=st.none(),
        received=strategies.moments(),
        feed=hostile(),
        correlation=st.none() | hostile(),
    )


def event_of(**fields):
    received = fields.pop("received", datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC))
    whole = {"kind": "agent.ready", "feed": "office", "correlation": "c1"} | fields
    return Event(
        "1", address=Address("v", "customer", "abc", "agent", "7", "ready"), time=None, received=received, **whole
    )


@given(st.sampled_from(TEMPLATES), events())
def test_every_event_has_its_file_inside_the_folder(text, event):
    template = Template.parse(text)
    name = template.name(event)
    segments = name.split("/")
    assert len(segments) == len(text.removeprefix("var/").split("/"))
    assert not {"", ".", ".."} & set(segments)
    assert "\0" not in name
    assert all(len(segment.encode()) <= 220 for segment in segments)
    assert segments[-1].endswith(template.suffix)
    assert os.path.normpath(f"/folder/{name}") == f"/folder/{name}"


@given(st.sampled_from(TEMPLATES), events())
def test_every_event_has_a_file_that_the_system_makes_where_it_says(text, event):
    name = Template.parse(text).name(event)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder).resolve() / "base"
        file = open_file(base, name, mode=0o600, durable=False)
        file.close()
        (made,) = (path for path in Path(folder).rglob("*") if path.is_file())
        assert made.resolve() == base / name


@given(hostile(), hostile())
def test_two_values_never_share_a_file(one, other):
    assume(one != other)
    template = Template.parse("{feed}.jsonl")
    assert template.name(event_of(feed=one)) != template.name(event_of(feed=other))


@given(st.sampled_from(TEMPLATES), events(), events())
def test_no_event_names_a_file_that_was_set_aside_for_another(text, one, other):
    template = Template.parse(text)
    names = [template.name(event).rpartition("/")[2] for event in (one, other)]
    assert find_rotated(names[0], template.suffix, [names[1], names[1] + PART]) == []
    assert names[1] != names[0] + TORN


@given(events())
def test_every_field_can_be_filled_in(event):
    for field in FIELDS:
        assert Template.parse(f"var/{{{field}}}.jsonl").name(event).endswith(".jsonl")


@pytest.mark.parametrize(
    ("text", "folder", "name", "suffix"),
    [
        ("var/{provider}/{kind}.jsonl", "var", "v/agent.ready.jsonl", ".jsonl"),
        ("/var/log/{date}/{hour}.jsonl", "/var/log", "2026-11-21/23.jsonl", ".jsonl"),
        ("/{entity}", "/", "agent", ""),
        ("{feed}-{correlation}.x.log", ".", "office-c1.x.log", ".log"),
        ("{kind}.jsonl", ".", "agent.ready.jsonl", ".jsonl"),
        ("var/{{a}}/{feed}", "var/{a}", "office", ""),
        ("../there/{feed}.jsonl", "../there", "office.jsonl", ".jsonl"),
        ("var/events.jsonl", "var", "events.jsonl", ".jsonl"),
        ("events", ".", "events", ""),
        ("/events.jsonl", "/", "events.jsonl", ".jsonl"),
        ("var/.hidden", "var", ".hidden", ""),
    ],
)
def test_a_template_is_filled_in(text, folder, name, suffix):
    template = Template.parse(text)
    assert (template.folder, template.name(event_of()), template.suffix) == (folder, name, suffix)
    assert template.only == (name if "{" not in text.replace("{{", "") else None)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a/b", "a%2Fb"), ("..", "%2E."), (".x", "%2Ex"), ("a.b", "a.b"), ("ä", "%C3%A4"), ("a@b", "a%40b"),
        ("", "_"), ("_", "%5F"), ("__", "__"), ("~", "%7E"), ("550e8400-e29b-41d4", "550e8400-e29b-41d4"),
    ],
)  # fmt: skip
def test_a_value_is_percent_encoded_where_it_is_no_plain_name(value, name):
    assert Template.parse("{feed}").name(event_of(feed=value)) == name


def test_a_name_that_is_too_long_keeps_its_beginning_and_its_suffix():
    name = Template.parse("{feed}.jsonl").name(event_of(feed="abc" * 100))
    assert len(name) == 220
    assert name.startswith("abcabc")
    assert name.endswith(".jsonl")


def test_an_event_without_a_correlation_has_a_file_too():
    assert Template.parse("{correlation}.jsonl").name(event_of(correlation=None)) == "_.jsonl"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must name a file"),
        ("var/{vendor}.jsonl", r"{vendor}, which is not a field; there are {correlation}, {date}, {entity}, {feed}"),
        ("var/{}.jsonl", "{}, which is not a field"),
        ("var/{0}.jsonl", "{0}, which is not a field"),
        ("var/{kind!r}.jsonl", "{kind!r}, which is not a field"),
        ("var/{kind:>9}.jsonl", "{kind:>9}, which is not a field"),
        ("var/{kind.real}.jsonl", "{kind.real}, which is not a field"),
        ("var/{kind", "a brace that is meant as one is doubled"),
        ("var/kind}.jsonl", "a brace that is meant as one is doubled"),
        ("var/", "has a name ''; from the first placeholder on each must be a real one"),
        ("var/{kind}/", "has a name ''"),
        ("var/{kind}//x", "has a name ''"),
        ("var/{kind}/../x", "has a name '..'"),
        ("var/..", "has a name '..'"),
        ("var/{kind}/./x", "has a name '.'"),
        ("var/x\0.jsonl", "has a NUL"),
        ("var/" + "x" * 151, "is too long for a name; 150 bytes at most"),
        ("var/" + "{kind}/" * 12 + "x", "from the first placeholder on; 12 at most"),
    ],
)  # fmt: skip
def test_a_fault_of_a_template_is_reported_with_what_would_be_right(text, problem):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared below, literally
        Template.parse(text)
    assert problem in str(caught.value)
