"""The day as the platform says it since October 2026: what its code of that time does otherwise than in August.

A call is published as updated at each step of its flow. Before a transcript comes the speech: it starts, comes in
interim texts and ends, each frame with an id of its own and stamped by the server's local clock. A transcript's offset
is in milliseconds. A conference that ends by itself is ``conference_deleted`` with ``tm_end``, and without
``tm_delete``. A campaign that changes its state is published as updated too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

from jackfield.simulation.day import Day
from jackfield.simulation.scenario import ScenarioEvent
from jackfield_voipbin.deployed import EventWriter
from jackfield_voipbin.kinds import NIL_UUID
from jackfield_voipbin.published import Clock, Published

__all__ = ["october_events"]

_SERVER = timezone(timedelta(hours=9))


def october_events(seed: int, customer_id: str, now: Callable[[], datetime]) -> Iterator[Published]:
    """Everything that happens, without end."""
    writer = OctoberWriter(seed, customer_id, "", Clock(now))
    for happening in Day(seed, now):
        yield from writer.write(happening)


@attrs.define
class OctoberWriter(EventWriter):
    """What differs."""

    def write(self, happening: ScenarioEvent) -> Iterator[Published]:
        """What one happening has the platform publish."""
        if happening.what == "said":
            yield from self._speech(happening)
        yield from EventWriter.write(self, happening)
        if happening.what == "flow_step":
            call = happening.required_contact.number
            action = {"id": self._id("action", f"{call}-{happening.at}"), "next_id": NIL_UUID, "type": "talk"}
            yield self._call(happening, "updated", action=action)
        if happening.what == "campaign_changed":
            number, state = happening.words
            yield self._change(happening, "campaign", number, "updated", status=state)

    def _speech(self, happening: ScenarioEvent) -> Iterator[Published]:
        contact = happening.required_contact
        direction, text = happening.words
        stream = self._id("streaming", f"{contact.number}-{direction}")
        for word, message in (("started", ""), ("interim", text[: len(text) // 2]), ("interim", text), ("ended", "")):
            moment = self.clock.moment(happening.at).astimezone(_SERVER)
            stamp = f"{moment:%Y-%m-%dT%H:%M:%S.%f}123+09:00"
            data: dict[str, Any] = {
                "id": self._id("speech", stamp),
                "customer_id": self.customer_id,
                "streaming_id": stream,
                "transcribe_id": self._id("transcribe", contact.number),
                "direction": direction,
                "tm_event": stamp,
                "tm_create": stamp,
            }
            if message:
                data["message"] = message
            yield self._published(f"transcribe_speech_{word}", "transcribe", data, stamp, listed=False)

    def _offset(self, seconds: int) -> dict[str, Any]:
        return {"offset_ms": seconds * 1000}

    def _end_of_conference(self) -> str:
        return "tm_end"
