"""Hypothesis strategies for Jackfield's values, made to find hard cases.

Segments come from a small alphabet with every character that some syntax uses, so that two draws
often nearly match; and what should match is drawn from what it should match with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from jackfield.addresses import SEGMENTS, Address, AddressPattern, Source
from jackfield.events import Cause, Direction, Event, Media, Parties, TraceContext
from jackfield.kinds import KIND_NAMES
from jackfield.selectors import KindPattern, Selector

__all__ = [
    "address_patterns",
    "addresses",
    "delimited",
    "event_streams",
    "events",
    "generalisations",
    "json_values",
    "kind_patterns",
    "kinds",
    "moments",
    "near_misses",
    "parties",
    "segments",
    "selectors",
    "selectors_matching",
    "traces",
]

# Escapes, separators and wildcards of every syntax that is translated, near-misses, and letters beyond ASCII.
HARD = (
    "a",
    "b",
    "A",
    "aa",
    "*",
    "**",
    "#",
    "a/b",
    "a%2Fb",
    "%",
    "%2E",
    "a:b",
    "a.b",
    "a_b",
    "@",
    " ",
    "+",
    "ä",
    "\x00",
    "\u2028",
)


# Made once: Hypothesis looks over each strategy anew, which takes longer than drawing from it.
_SEGMENTS = st.sampled_from(HARD) | st.text(min_size=1, max_size=6)


def segments() -> st.SearchStrategy[str]:
    """One segment of an address: never empty, anything else allowed."""
    return _SEGMENTS


def near_misses(text: str) -> st.SearchStrategy[str]:
    """A text that resembles this one: longer, shorter, or otherwise written; never empty."""
    variants = (
        f"{text}a",
        f"a{text}",
        text[:-1],
        text[1:],
        text.upper(),
        text.lower(),
        f"{text}*",
        f"{text}%",
        text * 2,
    )
    return st.sampled_from([each for each in variants if each]) | segments()


def addresses(
    source: Source | None = None,
    resources: Sequence[str] = (),
    words: Sequence[str] = (),
    ids: st.SearchStrategy[str] | None = None,
) -> st.SearchStrategy[Address]:
    """An address; of this source, with these ids, and mostly with one of these resources and event words, if given."""
    owner = st.tuples(*[segments()] * 3) if source is None else st.just(source)
    resource = st.one_of([st.sampled_from(list(resources))] * 3 + [segments()]) if resources else segments()
    word = st.one_of([st.sampled_from(list(words))] * 3 + [segments()]) if words else segments()
    return st.builds(
        lambda whose, *rest: Address(*whose, *rest), owner, resource, segments() if ids is None else ids, word
    )


def address_patterns() -> st.SearchStrategy[AddressPattern]:
    """A pattern with any of its slots free."""
    return st.builds(AddressPattern, *[st.none() | segments()] * SEGMENTS)


def kinds() -> st.SearchStrategy[str]:
    """A neutral kind, from the table or unmapped."""
    return st.sampled_from([*sorted(KIND_NAMES), "unmapped.email", "unmapped.unknown"])


def kind_patterns() -> st.SearchStrategy[KindPattern]:
    """A pattern of kinds, near those that exist."""
    words = kinds().map(lambda kind: kind.split("."))
    return st.builds(
        KindPattern, st.none() | words.map(lambda pair: pair[0]), st.none() | words.map(lambda pair: pair[1])
    )


def selectors() -> st.SearchStrategy[Selector]:
    """A selector."""
    return st.builds(Selector, kind_patterns(), address_patterns())


def selectors_matching(kind: str, address: Address, fixed: Sequence[str] = ()) -> st.SearchStrategy[Selector]:
    """A selector that matches this kind at this address; the address slots named in `fixed` stay fixed."""
    exact = Selector(KindPattern.parse(kind), AddressPattern.exactly(address))
    return generalisations(exact, fixed)


_KEPT = st.tuples(*[st.booleans()] * (SEGMENTS + 2))


def generalisations(selector: Selector, fixed: Sequence[str] = ()) -> st.SearchStrategy[Selector]:
    """A selector that covers this one, with some of its slots freed, but none of those named in `fixed`."""

    def freed(kept: tuple[bool, ...]) -> Selector:
        slots = zip(AddressPattern._fields, selector.address, kept, strict=False)
        pattern = AddressPattern(*(slot if keep or name in fixed else None for name, slot, keep in slots))
        words = zip(selector.kind, kept[SEGMENTS:], strict=True)
        return Selector(KindPattern(*(word if keep else None for word, keep in words)), pattern)

    return _KEPT.map(freed)


def delimited(
    separator: str, *, beginning: Sequence[str] = (), wildcards: Sequence[str] = (), most: int = 5
) -> st.SearchStrategy[str]:
    """A vendor's topic or pattern: words with a separator between, with empty words and near-misses among them.

    It mostly begins with the words of `beginning`, so that it often has something to do with a feed.
    """
    words = st.sampled_from(["", "a", "b", "aa", "ab", "call", "calls", "queue", "queuecall", *wildcards, *wildcards])
    tails = st.lists(words, max_size=most)
    heads = st.sampled_from([list(beginning[:length]) for length in (*range(len(beginning)), *[len(beginning)] * 4)])
    return st.builds(lambda head, tail: separator.join([*head, *tail]), heads, tails)


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value that our decoder and encoder agree on."""
    plain = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        plain | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )


def _naive(year: int) -> datetime:
    """The strategy wants its bounds without a zone."""
    return datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def moments() -> st.SearchStrategy[datetime]:
    """A moment in UTC, to the microsecond."""
    return st.datetimes(_naive(1970), _naive(9998), timezones=st.just(UTC))


def parties() -> st.SearchStrategy[Parties]:
    """Who takes part in an event; any field may be empty."""
    words = {"direction": Direction, "cause": Cause, "media": Media}
    texts = {name: st.just("") | st.text() for name in Parties.__struct_fields__ if name not in words}
    return st.builds(Parties, **texts, **{name: st.sampled_from(get_args(values)) for name, values in words.items()})


def traces() -> st.SearchStrategy[TraceContext]:
    """A valid trace context, with and without a state."""
    texts = st.tuples(
        st.from_regex(r"00-[0-9a-f]{31}[1-9a-f]-[1-9a-f][0-9a-f]{15}-[0-9a-f]{2}", fullmatch=True),
        st.lists(st.from_regex(r"[a-z][a-z0-9@/-]{0,8}=[!-+>-~]{1,20}", fullmatch=True), max_size=4, unique_by=_key),
    )
    return texts.map(lambda each: TraceContext(each[0], ",".join(each[1])))


def _key(member: str) -> str:
    return member.partition("=")[0]


def events() -> st.SearchStrategy[Event]:
    """An event with anything in it, as no vendor would send it."""
    texts = st.text(min_size=1)
    return st.builds(
        Event,
        id=texts,
        kind=kinds(),
        address=addresses(),
        time=st.none() | moments(),
        received=moments(),
        feed=texts,
        correlation=st.none() | texts,
        native_type=st.text(),
        native_topic=st.text(),
        origin=st.sampled_from(["live", "webhook", "backfill", "replay", "simulated"]),
        inferred=st.booleans(),
        parties=parties(),
        trace=st.none() | traces(),
        data=json_values(),
    )


# What happens to a call and to a contact, in order; a stream has some of each, interleaved, some of them cut short.
_LIVES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("call", ("call.initiated", "call.alerting", "call.connected", "call.clearing", "call.cleared")),
    ("call", ("call.initiated", "call.alerting", "call.failed")),
    ("contact", ("contact.queued", "contact.connected", "contact.disconnected", "contact.ended")),
    ("contact", ("contact.queued", "contact.abandoned")),
    (
        "agent",
        ("agent.logged_on", "agent.ready", "agent.reserved", "agent.busy", "agent.wrapup_started", "agent.ready"),
    ),
    ("message", ("message.received", "message.sent", "message.delivery_updated")),
)
_START = datetime(2026, 1, 1, 9, tzinfo=UTC)


def event_streams(*, most: int = 6, copies: bool = True, feed: str = "office") -> st.SearchStrategy[list[Event]]:
    """A feed's events as they come: lives of calls, contacts, agents and messages, interleaved, in the order of time.

    Each life keeps its order and has a correlation of its own; some end early, and with `copies` some events come
    twice. Ids are distinct but for copies.
    """
    return _event_streams(most, copies, feed)


@st.composite
def _event_streams(draw: st.DrawFn, most: int, copies: bool, feed: str) -> list[Event]:
    lives = []
    for number in range(draw(st.integers(1, most))):
        resource, kinds = draw(st.sampled_from(_LIVES))
        lives.append([(f"{resource}-{number}", resource, kind) for kind in kinds[: draw(st.integers(1, len(kinds)))]])
    order = draw(st.permutations([number for number, life in enumerate(lives) for _ in life]))
    stream: list[Event] = []
    for position, number in enumerate(order):
        name, resource, kind = lives[number].pop(0)
        time = _START + timedelta(milliseconds=250 * position)
        event = Event(
            id=f"{feed}-{position}",
            kind=kind,
            address=Address("acme", "account", "A1", resource, name, kind.partition(".")[2]),
            time=time,
            received=time + timedelta(milliseconds=draw(st.integers(0, 900))),
            feed=feed,
            correlation=name,
            native_type=kind,
            native_topic=f"{resource}:{name}",
            data={"number": position},
        )
        stream += [event] * (draw(st.sampled_from([1, 1, 1, 2])) if copies else 1)
    return stream
