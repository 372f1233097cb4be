"""What ``jackfield doctor`` says of a Vinix feed: which spellings bring events, and how the server writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from jackfield.errors import FrameError
from jackfield.events import Event
from jackfield.plugin.diagnosis import Finding
from jackfield.plugin.protocol import FeedProtocol
from jackfield_vinix.protocol import VinixProtocol
from jackfield_vinix.topics import APPLICATION
from jackfield_vinix.wire import read_frame

__all__ = ["diagnose"]

_STYLES = {
    "documented": "as documented, qubicle.queue.ACCOUNT.*",
    "short": "short, qubicle.queue",
    "worded": "with a word more, qubicle.queue.ACCOUNT.*.*",
}


def diagnose(protocol: FeedProtocol | None, events: Sequence[Event], *, logs_in: bool, rest: bool) -> Iterator[Finding]:
    """How the token is come by, the spellings that are served, and how the server differs from its documentation."""
    if logs_in:
        yield Finding("token", "ok", "the feed logs in before each connection, so its token is always fresh")
    else:
        text = "auth_token is configured: it expires in about an hour, and does not say when"
        yield Finding("token", "warning", text, "give api_key, or username and password, so that the feed logs in")
    if not rest:
        text = "there is no rest_url: a gap cannot be filled, and the state begins empty"
        yield Finding("REST", "warning", text, "Vinix's is https://api.vinixglobal.com/v2")
    if isinstance(protocol, VinixProtocol):
        yield from _spellings(protocol)
    yield from _differences(events)


def _spellings(protocol: VinixProtocol) -> Iterator[Finding]:
    learned = protocol.learned
    proven = [text for style, text in _STYLES.items() if learned.is_proven(style)]
    failed = [text for style, text in _STYLES.items() if learned.has_failed(style)]
    if proven:
        yield Finding("spelling", "ok", f"bindings that bring events: {'; '.join(proven)}")
    if failed:
        yield Finding("differs", "ok", f"bindings that are refused, or bring nothing: {'; '.join(failed)}")
    if learned.unavailable:
        text = f"{learned.unavailable} connections led to a node that has nothing of qubicle"
        yield Finding("node", "warning", text, "have Vinix load bh_qubicle on every node; Jackfield connects anew")


def _differences(events: Sequence[Event]) -> Iterator[Finding]:
    written: Counter[str] = Counter()
    for event in events:
        if not event.raw:
            continue
        try:
            frame = read_frame(event.raw)
        except FrameError:  # it came as a part of another frame
            continue
        bare = not frame.identifier.startswith(f"{APPLICATION}.")
        written["bare" if bare else "whole"] += event.address.resource in ("queue", "recipient", "session")
    if written["bare"]:
        yield Finding(
            "differs", "ok", "events are named by their last word, and not by the whole binding as documented"
        )
    elif written["whole"]:
        yield Finding("format", "ok", "events are named by the whole binding, as documented")
