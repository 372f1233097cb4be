"""The state as bytes, so that a restart need read only the events after it; pure.

It is written in pieces while events go on changing the state. That is harmless: the facts of an event that is partly in
it are joined once more when its events are read again, from the position that the checkpoint is of.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

import msgspec

from jackfield.state._tables import SILENT
from jackfield.state._tracks import AgentTrack, FeedTrack, QueueTrack, Track
from jackfield.state.lives import CALL, CONTACT
from jackfield.state.reducer import State
from jackfield.state.values import Ref

__all__ = ["SILENT", "read_checkpoint", "write_checkpoint"]

VERSION = 3
PIECE = 250
"""Things in one piece, which takes about a millisecond."""
MOST_GONE = 5_000

T = TypeVar("T", Track, AgentTrack, QueueTrack, FeedTrack)


class _Piece(msgspec.Struct, omit_defaults=True):
    version: int
    journal: str
    position: int
    zone: str
    answer_seconds: float
    forgotten: int = 0
    sums: dict[datetime, dict[str, list[int]]] = {}
    """Of contacts that were forgotten."""
    gone: dict[str, datetime] = {}
    """Keys of what was forgotten."""
    calls: list[Track] = []
    contacts: list[Track] = []
    agents: list[AgentTrack] = []
    queues: list[QueueTrack] = []
    feeds: list[FeedTrack] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Piece).decode


def write_checkpoint(state: State, journal: str, position: int) -> Iterator[bytes]:
    """The state after the event at a position of a journal, in pieces; between two of them events may be applied."""
    tables = state.tables
    gone = islice(reversed(tables.gone.items()), MOST_GONE)
    head = (VERSION, journal, position, str(state.zone), state.answer_seconds)
    # All at this moment: what is forgotten from now on is still written as it is.
    calls, contacts = list(tables.calls.values()), list(tables.contacts.values())
    agents, queues = list(tables.agents.values()), list(tables.queues.values())
    first = _Piece(
        *head,
        forgotten=tables.forgotten,
        sums=tables.days.kept,
        gone={f"{entity} {key}": at for (entity, key), at in gone},
        feeds=_plain(list(tables.feeds)),
    )
    yield _encode(first)
    for some in _pieces(calls):
        yield _encode(_Piece(*head, calls=some))
    for some in _pieces(contacts):
        yield _encode(_Piece(*head, contacts=some))
    for each in _pieces(agents):
        yield _encode(_Piece(*head, agents=each))
    for queue in _pieces(queues):
        yield _encode(_Piece(*head, queues=queue))


def read_checkpoint(pieces: list[bytes], state: State, journal: str) -> int | None:
    """Fill an empty state, and return the position that it is of; ``None`` where there is none of this journal."""
    try:
        found = [_decode(piece) for piece in pieces]
    except msgspec.MsgspecError:
        return None
    wanted = (VERSION, journal, str(state.zone), state.answer_seconds)
    if not found or any((each.version, each.journal, each.zone, each.answer_seconds) != wanted for each in found):
        return None
    tables = state.tables
    for each in found:
        tables.forgotten += each.forgotten
        tables.days.restore(each.sums)
        for text, at in reversed(each.gone.items()):
            entity, _, key = text.partition(" ")
            tables.gone[_ref(entity, key)] = at
        for feed in each.feeds:
            tables.feeds.tracks[feed.name] = feed
        tables.agents.update((agent.key, agent) for agent in each.agents)
        tables.queues.update((queue.key, queue) for queue in each.queues)
        for call in each.calls:
            tables.calls[call.key] = call
            over = call.state in CALL.over
            tables.settle(("call", call.key), call.seen, over=over)
            if call.contact is not None:
                tables.note_leg(call.contact[1], call.key, call.since if over else None)
        for contact in each.contacts:
            tables.contacts[contact.key] = contact
            tables.settle(("contact", contact.key), contact.seen, over=contact.state in CONTACT.over)
            contact.placed = ""
            tables.place(contact, waits=contact.state in ("queued", "offered"))
            if contact.counted is not None:
                tables.days.replace(None, contact.counted)
    return found[0].position


def _ref(entity: str, key: str) -> Ref:
    match entity:
        case "call":
            return ("call", key)
        case "agent":
            return ("agent", key)
    return ("contact", key)


def _pieces(tracks: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(tracks), PIECE):
        yield _plain(tracks[start : start + PIECE])


def _plain(tracks: list[T]) -> list[T]:
    """Without the values, which are made again."""
    for track in tracks:
        track.value = None
    return tracks
