"""vCons of events that are at hand, without the sink: for commands, and for programs that ask a gateway; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jackfield.events import Event
from jackfield.plugin.sink import Sink
from jackfield_vcon import Vcon
from jackfield_vcon.assemble import Edition, assemble, encode
from jackfield_vcon.facts import Facts
from jackfield_vcon.identity import conversation_of, key_of
from jackfield_vcon.recordings import Recordings
from jackfield_vcon.redact import redacted

__all__ = ["conversations", "vcons", "write_contact"]


def conversations(events: Iterable[Event]) -> Mapping[str, list[Event]]:
    """The events of each conversation, by its key; what is said of streams belongs to none."""
    found: dict[str, list[Event]] = {}
    whole: dict[str, str] = {}
    for event in events:
        if not event.kind.startswith("stream."):
            found.setdefault(key_of(event), []).append(event)
            if (named := conversation_of(event)) is not None:
                whole[named[0]] = min(named[1], whole.get(named[0], named[1]))
    joined: dict[str, list[Event]] = {}
    for key, own in found.items():
        joined.setdefault(_whole(key, whole), []).extend(own)
    return joined


def _whole(key: str, whole: Mapping[str, str]) -> str:
    """The conversation that a key is a part of."""
    seen = {key}
    while (further := whole.get(key)) is not None and further not in seen:
        key = further
        seen.add(key)
    return key


def vcons(
    events: Sequence[Event],
    *,
    domain: str,
    redact: Iterable[str] = (),
    templates: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """One for each conversation, finished or not."""
    parts = frozenset(redact)
    gaps = [event for event in events if event.kind.startswith("stream.")]
    made = []
    for key, own in conversations(events).items():
        facts = Facts.of(own)
        if facts.has_substance:
            feeds = {event.feed for event in own}
            vcon = assemble(
                facts,
                key,
                domain=domain,
                gaps=[gap for gap in gaps if gap.feed in feeds],
                edition=Edition(form=",".join(sorted(parts))),
                recordings=Recordings(templates or {}),
            )
            made.append(redacted(vcon, parts) if parts else vcon)
    return made


def write_contact(events: Sequence[Event], sinks: Sequence[Sink]) -> bytes:
    """As the first vCon sink of the gateway would write it, signed and encrypted as there; or by default."""
    options = next((sink for sink in sinks if isinstance(sink, Vcon)), None)
    if options is None:
        found, sealer = vcons(events, domain="localhost"), None
    else:
        found = vcons(events, domain=options.domain, redact=options.redact, templates=options.recording_urls)
        sealer = options.sealer()
    bodies = ((vcon["uuid"], encode(vcon)) for vcon in found)
    return b"".join(body if sealer is None else sealer.seal(uuid, body) for uuid, body in bodies)
