"""CloudEvents' HTTP binding: events as the headers and bodies of requests, in each of its three content modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal
from urllib.parse import quote

import attrs
import msgspec

from jackfield.events import Event

__all__ = ["ContentMode", "Message", "messages"]

ContentMode = Literal["structured", "binary", "batch"]
"""What the binding calls the ways in which events become requests."""

# What may stand in a header unescaped: printable ASCII without the space, the quote and the percent sign.
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


@attrs.frozen
class Message:
    """What one request says."""

    headers: Mapping[str, str]
    body: bytes
    events: tuple[Event, ...]


def messages(mode: ContentMode, events: Iterable[Event], most: int) -> Iterator[Message]:
    """The requests that carry the events, in order, each made when it is asked for.

    No body of a batch is longer than `most` bytes, except where a single event already is.
    """
    if mode == "batch":
        yield from _batches(events, most)
    else:
        yield from map(_structured if mode == "structured" else _binary, events)


def _structured(event: Event) -> Message:
    return Message({"content-type": "application/cloudevents+json; charset=utf-8"}, event.to_json(), (event,))


def _binary(event: Event) -> Message:
    attributes = attrs.evolve(event, data=None, data_json=None).to_cloudevent()
    media_type = attributes.pop("datacontenttype")
    headers = {f"ce-{name}": quote(_canonical(value), safe=_PLAIN) for name, value in attributes.items()}
    if event.data_json is None and event.data is None:
        return Message(headers, b"", (event,))  # an empty body is not valid JSON, so no content type is given
    body = event.data_json if event.data_json is not None else msgspec.json.encode(event.data)
    return Message({**headers, "content-type": media_type}, body, (event,))


def _canonical(value: object) -> str:
    """An attribute's canonical string: a truth value is ``true`` or ``false``, as in JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _batches(events: Iterable[Event], most: int) -> Iterator[Message]:
    texts: list[bytes] = []
    members: list[Event] = []
    size = 2  # the brackets; each text adds itself and one more character, so this is a comma too many
    for event in events:
        text = event.to_json()
        if members and size + len(text) > most:
            yield _batch(texts, members)
            texts, members, size = [], [], 2
        texts.append(text)
        members.append(event)
        size += len(text) + 1
    if members:
        yield _batch(texts, members)


def _batch(texts: list[bytes], events: list[Event]) -> Message:
    headers = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
    return Message(headers, b"[" + b",".join(texts) + b"]", tuple(events))
