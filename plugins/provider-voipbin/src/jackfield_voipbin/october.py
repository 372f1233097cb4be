"""The day as the platform says it since October 2026: what its code of that time does otherwise than in August.

A call is published as updated at each step of its flow. Before a transcript comes the speech: it starts, comes in
interim texts and ends, each frame with an id of its own and stamped by the server's local clock. A transcript's offset
is in milliseconds. A conference that ends by itself is ``conference_deleted`` with ``tm_end``, and without
``tm_delete``. A campaign that changes its state is published as updated too. Text messages are part of conversations,
and an AI assists some calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Any

import attrs

from jackfield.simulation.scenario import ScenarioEvent
from jackfield_voipbin.deployed import NO_OWNER, DeployedWriter
from jackfield_voipbin.kinds import NIL_UUID
from jackfield_voipbin.published import Published, addresses_of

__all__ = ["OctoberWriter"]

# Of so many calls an AI assists one.
ASSISTED = 3
_SERVER = timezone(timedelta(hours=9))


@attrs.define
class OctoberWriter(DeployedWriter):
    """What differs."""

    def write(self, happening: ScenarioEvent) -> Iterator[Published]:
        """What one happening has the platform publish."""
        if happening.what == "said":
            yield from self._speech(happening)
        yield from DeployedWriter.write(self, happening)
        match happening.what:
            case "flow_step":
                contact = happening.required_contact
                action = {"id": self.id_of("action", contact.number), "next_id": NIL_UUID, "type": "queue_join"}
                option = {"queue_id": self.id_of("queue", contact.queue.number)}
                yield self._call(happening, "updated", action=action | {"option": option})
            case "campaign_changed":
                number, state = happening.words
                yield self._change(happening, "campaign", number, "updated", status=state)
            case "message_received" | "message_sent":
                yield from self._conversation(happening)
            case "call_answered" | "said" | "hung_up" | "abandoned":
                if happening.required_contact.number % ASSISTED == 0:
                    yield from self._assistant(happening)

    def _conversation(self, happening: ScenarioEvent) -> Iterator[Published]:
        """A text message, once more as part of what is said with this customer on any channel."""
        message, inbound = happening.required_message, happening.what == "message_received"
        customer, line = addresses_of(message)
        conversation_id = self.id_of("conversation", message.customer)
        if conversation_id not in self.resources:
            first = {**NO_OWNER, "account_id": NIL_UUID, "type": "message", "self": line, "peer": customer}
            yield self._change(happening, "conversation", message.customer, "created", "", first)
        yield self._change(
            happening,
            "conversation_message",
            message.number,
            "created",
            conversation_id=conversation_id,
            direction="incoming" if inbound else "outgoing",
            status="done",
            reference_type="message",
            reference_id=self.id_of("message", message.number),
            source=customer if inbound else line,
            destination=line if inbound else customer,
            text=message.text,
        )

    def _assistant(self, happening: ScenarioEvent) -> Iterator[Published]:
        """What an AI that listens to the call does: it says what it makes of each sentence, and sums up at the end."""
        contact = happening.required_contact
        about = {"activeflow_id": self.id_of("activeflow", contact.number), "reference_type": "call"}
        about["reference_id"] = self.id_of("call", contact.number)
        match happening.what:
            case "call_answered":
                first = {**about, "assistance_type": "ai", "assistance_id": self.id_of("ai", 0)}
                first |= {"confbridge_id": NIL_UUID, "current_member_id": NIL_UUID}
                for word, status in (("initializing", "initiating"), ("progressing", "progressing")):
                    yield self._change(
                        happening, "aicall", contact.number, f"status_{word}", "", first, status=status, tm_end=None
                    )
            case "said":
                direction, text = happening.words
                said = {"aicall_id": self.id_of("aicall", contact.number), "active_ai_id": self.id_of("ai", 0)}
                said |= {"activeflow_id": about["activeflow_id"], "role": "user", "content": text}
                way = "incoming" if direction == "in" else "outgoing"
                number = f"{contact.number}-{contact.turn}"
                yield self._change(happening, "aimessage", number, "created", direction=way, **said)
            case _:
                ended = {"status": "terminated"}
                yield self._change(happening, "aicall", contact.number, "status_terminated", "tm_end", about, **ended)
                summed = {**about, "on_end_flow_id": NIL_UUID, "language": "en-US", "content": "The caller was helped."}
                yield self._change(happening, "summary", contact.number, "created", status="done", **summed)

    def _speech(self, happening: ScenarioEvent) -> Iterator[Published]:
        contact = happening.required_contact
        direction, text = happening.words
        stream = self.id_of("streaming", f"{contact.number}-{direction}")
        for word, message in (("started", ""), ("interim", text[: len(text) // 2]), ("interim", text), ("ended", "")):
            moment = self.clock.moment(happening.at).astimezone(_SERVER)
            stamp = f"{moment:%Y-%m-%dT%H:%M:%S.%f}123+09:00"
            data: dict[str, Any] = {
                "id": self.id_of("speech", stamp),
                "customer_id": self.customer_id,
                "streaming_id": stream,
                "transcribe_id": self.id_of("transcribe", contact.number),
                "direction": direction,
                "tm_event": stamp,
                "tm_create": stamp,
            }
            if message:
                data["message"] = message
            yield self._published(f"transcribe_speech_{word}", "", data, stamp)

    def _offset(self, seconds: int) -> dict[str, Any]:
        return {"offset_ms": seconds * 1000}

    def _end_of_conference(self) -> str:
        return "tm_end"
