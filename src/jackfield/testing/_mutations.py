"""Strategies for frames that no vendor should send: any bytes, any JSON, and good frames with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from jackfield.testing.strategies import json_values

__all__ = ["extended_json", "json_in", "mutated_frames", "mutated_json", "parts_of"]

Path = tuple[str | int, ...]


def mutated_frames(examples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Any bytes, texts and JSON, and the examples: whole, cut, with bytes put in, with one value replaced."""
    bodies = st.sampled_from(list(examples) or [b""])

    @st.composite
    def torn(draw: st.DrawFn) -> bytes:
        frame = draw(bodies)
        start = draw(st.integers(0, len(frame)))
        return frame[:start] + draw(st.binary(max_size=3)) + frame[start + draw(st.integers(0, 3)) :]

    any_text = st.text().map(str.encode)
    any_json = json_values().map(msgspec.json.encode)
    return bodies | mutated_json(examples) | mutated_json(examples) | torn() | st.binary() | any_text | any_json


def mutated_json(examples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """The examples that hold JSON, with one value replaced, left out, or put beside another under an unknown name."""
    documents = [found for frame in examples if (found := json_in(frame)) is not None]

    @st.composite
    def spoil(draw: st.DrawFn) -> bytes:
        before: bytes
        before, whole = draw(st.sampled_from(documents))
        document = msgspec.json.decode(msgspec.json.encode(whole))
        path = draw(st.sampled_from([*_paths(document)]))
        parent: Any = document
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "remove":
                del parent[path[-1]]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(["unknown", "x_new_field"]))] = draw(json_values())
            case _:
                parent[path[-1]] = draw(json_values())
        return before + msgspec.json.encode(document)

    return spoil() if documents else st.just(b"{}")


def extended_json(examples: Sequence[bytes]) -> Iterator[bytes]:
    """The examples that hold JSON, each with an unknown member in one of its objects: one frame for each object."""
    for before, document in filter(None, map(json_in, examples)):
        for path in [(), *_paths(document)]:
            copy = value = msgspec.json.decode(msgspec.json.encode(document))
            for step in path:
                value = value[step]
            if isinstance(value, dict):
                value["x_new_field"] = {"new": True}
                yield before + msgspec.json.encode(copy)


def parts_of(value: Any) -> Iterator[Any]:
    """A JSON value and every value in it, also where a text holds JSON of its own."""
    yield value
    if isinstance(value, str) and value[:1] in ("{", "["):
        inner = _decoded(value.encode(errors="replace"))
        if inner is not None:
            yield from parts_of(inner)
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from parts_of(each)


def json_in(frame: bytes) -> tuple[bytes, Any] | None:
    """What stands before the JSON object or list of a frame, such as headers, and that; ``None`` without one."""
    starts = [at for at in (frame.find(b"{"), frame.find(b"[")) if at >= 0]
    if not starts:
        return None
    before, document = frame[: min(starts)], _decoded(frame[min(starts) :])
    return None if document is None else (before, document)


def _decoded(frame: bytes) -> Any:
    """The object or list that a frame holds; ``None`` for any other."""
    try:
        document = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document if isinstance(document, dict | list) and document else None


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from _paths(each, (*path, key))
