"""A contact centre's day in VoIPBIN's documented words: event types, topics and payloads.

Payloads carry the fields of the platform's resources (call, message, agent …) and those that its
documentation shows for events that the platform itself never sends (``queue.joined`` and the like).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from jackfield.simulation.scenario import ScenarioEvent
from jackfield_voipbin.kinds import NIL_UUID
from jackfield_voipbin.published import AGENT_STATUS, LINE, Published, Writer, addresses_of, phone_number

__all__ = ["DocumentedWriter"]

MOST_CREATED = 10_000


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@attrs.define
class DocumentedWriter(Writer):
    """Writes in documented words."""

    agent_status: dict[int, str] = attrs.field(factory=dict)
    """By agent's number: the last one."""
    created: dict[str, str] = attrs.field(factory=dict)
    """By a resource's id: when it was first published."""

    def write(self, happening: ScenarioEvent) -> Iterator[Published]:
        """What one happening has the platform publish."""
        what = happening.what
        match what:
            case "call_started":
                yield self._call(happening, "created", "dialing", previous="")
                yield self._flow(happening, "created", "running")
            case "call_alerting":
                yield self._call(happening, "status", "ringing", previous="dialing")
            case "call_answered":
                yield self._call(happening, "status", "answered", previous="ringing")
                yield self._recording(happening, "started", "recording")
            case "flow_step":
                yield self._flow(happening, "updated", "running")
            case "queued":
                yield self._queue(happening, "joined", position=happening.required_contact.position)
            case "offered":
                yield self._agent(happening, "ringing")
                yield self._assigned(happening)
            case "connected":
                waited = self._seconds(happening, "queued")
                yield self._queue(happening, "connected", agent_id=self._agent_id(happening), wait_time=waited)
                yield self._agent(happening, "busy")
                yield self._transcribe(happening, "created", "progressing")
            case "said":
                yield self._transcript(happening)
            case "abandoned":
                yield self._queue(happening, "left", reason="abandoned", wait_time=self._seconds(happening, "queued"))
                yield from self._end(happening)
            case "hung_up":
                yield self._transcribe(happening, "done", "done")
                yield from self._end(happening)
            case "agent_logged_on" | "agent_ready" | "agent_away" | "external_call_started" | "external_call_ended":
                yield self._agent(happening, AGENT_STATUS[what])
            case "message_received" | "message_sent" | "message_progressed":
                yield self._message(happening)
            case "conference_started" | "conference_joined" | "conference_left" | "conference_ended":
                yield self._conference(happening)
            case "campaign_changed":
                number, state = happening.words
                yield self._publish(
                    happening, "campaign.status", "campaign", self.id_of("campaign", number), status=state
                )
            case "number_provisioned":
                number, state = happening.words
                e164 = phone_number(int(number))
                yield self._publish(
                    happening, "number.created", "number", self.id_of("number", number), number=e164, status=state
                )

    # -- one method for each resource ----------------------------------------------------------------

    def _call(self, happening: ScenarioEvent, word: str, status: str, previous: str, **more: Any) -> Published:
        contact = happening.required_contact
        call_id = self.id_of("call", contact.number)
        moments = {"tm_create": "call_started", "tm_ringing": "call_alerting", "tm_progressing": "call_answered"}
        times = {field: _stamp(contact.since[what]) for field, what in moments.items() if what in contact.since}
        return self._publish(
            happening,
            f"call.{word}",
            "call",
            call_id,
            activeflow_id=self.id_of("activeflow", contact.number),
            type="flow",
            master_call_id=NIL_UUID,
            source={"type": "tel", "target": phone_number(contact.number), "target_name": contact.caller},
            destination={"type": "tel", "target": LINE},
            status=status,
            **({"previous_status": previous} if previous else {}),
            direction="incoming",
            **more,
            **times,
        )

    def _end(self, happening: ScenarioEvent) -> Iterator[Published]:
        contact = happening.required_contact
        ended = {"hangup_by": "remote", "hangup_reason": "normal", "tm_hangup": _stamp(happening.at)}
        yield self._call(happening, "status", "hangup", previous="answered", **ended)
        yield self._call(happening, "ended", "hangup", previous="hangup", **ended)
        call_id = self.id_of("call", contact.number)
        yield self._recording(
            happening, "completed", "ended", call_id=call_id, duration=self._seconds(happening, "call_answered")
        )
        yield self._flow(happening, "completed", "ended")

    def _flow(self, happening: ScenarioEvent, word: str, status: str) -> Published:
        number = happening.required_contact.number
        return self._publish(
            happening,
            f"activeflow.{word}",
            "activeflow",
            self.id_of("activeflow", number),
            flow_id=self.id_of("flow", 0),
            status=status,
            reference_type="call",
            reference_id=self.id_of("call", number),
            current_action={"id": self.id_of("action", number), "next_id": NIL_UUID, "type": "queue_join"},
        )

    def _recording(self, happening: ScenarioEvent, word: str, status: str, **more: Any) -> Published:
        number = happening.required_contact.number
        return self._publish(
            happening,
            f"recording.{word}",
            "recording",
            self.id_of("recording", number),
            activeflow_id=self.id_of("activeflow", number),
            reference_type="call",
            reference_id=self.id_of("call", number),
            status=status,
            format="wav",
            **more,
        )

    def _queue(self, happening: ScenarioEvent, word: str, **more: Any) -> Published:
        contact = happening.required_contact
        queue_id = self.id_of("queue", contact.queue.number)
        moment = {"joined": "tm_join", "connected": "tm_connect", "left": "tm_leave"}[word]
        data = {
            "queue_id": queue_id,
            "call_id": self.id_of("call", contact.number),
            **more,
            moment: _stamp(happening.at),
        }
        if word == "joined":
            data["estimated_wait"] = contact.position * 40
        return self._published(happening, f"queue.{word}", "queue", queue_id, data)

    def _agent(self, happening: ScenarioEvent, status: str) -> Published:
        agent, agent_id = happening.required_agent, self._agent_id(happening)
        previous = self.agent_status.get(agent.number, "offline")
        self.agent_status[agent.number] = status
        data = {
            "agent_id": agent_id,
            "name": agent.name,
            "status": status,
            "previous_status": previous,
            "tm_update": _stamp(happening.at),
        }
        return self._published(happening, "agent.status", "agent", agent_id, data)

    def _assigned(self, happening: ScenarioEvent) -> Published:
        return self._call(happening, "assigned", "answered", previous="answered", agent_id=self._agent_id(happening))

    def _transcribe(self, happening: ScenarioEvent, word: str, status: str) -> Published:
        number = happening.required_contact.number
        return self._publish(
            happening,
            f"transcribe.{word}",
            "transcribe",
            self.id_of("transcribe", number),
            activeflow_id=self.id_of("activeflow", number),
            reference_type="call",
            reference_id=self.id_of("call", number),
            status=status,
            language="en-US",
            direction="both",
        )

    def _transcript(self, happening: ScenarioEvent) -> Published:
        contact = happening.required_contact
        transcribe_id = self.id_of("transcribe", contact.number)
        direction, text = happening.words
        data = {
            "id": self.id_of("transcript", f"{contact.number}-{contact.turn}"),
            "customer_id": self.customer_id,
            "transcribe_id": transcribe_id,
            "direction": direction,
            "message": text,
            "tm_create": _stamp(happening.at),
        }
        # The quick start's format: the deployed name, on the topic of the transcribe.
        return self._published(happening, "transcript_created", "transcribe", transcribe_id, data)

    def _message(self, happening: ScenarioEvent) -> Published:
        message = happening.required_message
        word = {"message_received": "received", "message_sent": "sent"}.get(happening.what, "delivery")
        inbound = word == "received"
        customer, line = addresses_of(message)
        return self._publish(
            happening,
            f"message.{word}",
            "message",
            self.id_of("message", message.number),
            type="sms",
            direction="inbound" if inbound else "outbound",
            source=customer if inbound else line,
            targets=[{"destination": line if inbound else customer, "status": message.status, "parts": 1}],
            status=message.status,
            text=message.text,
        )

    def _conference(self, happening: ScenarioEvent) -> Published:
        contact = happening.required_contact
        word = {"started": "created", "ended": "deleted"}.get(happening.what.partition("_")[2], happening.what[11:])
        conference_id = self.id_of("conference", contact.number)
        more: dict[str, Any] = {"participant_count": contact.turn}
        if word in ("joined", "left"):
            more |= {"conference_id": conference_id, "call_id": self.id_of("call", contact.number)}
            more["tm_join" if word == "joined" else "tm_leave"] = _stamp(happening.at)
        return self._publish(happening, f"conference.{word}", "conference", conference_id, **more)

    # -- what they share -----------------------------------------------------------------------------

    def _publish(
        self, happening: ScenarioEvent, event_type: str, resource: str, resource_id: str, **fields: Any
    ) -> Published:
        """Publish a resource: its id and customer first, the moment of the change last."""
        now = _stamp(self.clock.moment(happening.at))
        created = self.created.setdefault(resource_id, now)
        if len(self.created) > MOST_CREATED:
            del self.created[next(iter(self.created))]
        own = {"id": resource_id, "customer_id": self.customer_id}
        data = {**own, "tm_create": created, **fields, "tm_update": now}
        return self._published(happening, event_type, resource, resource_id, data)

    def _published(
        self, happening: ScenarioEvent, event_type: str, resource: str, resource_id: str, data: dict[str, Any]
    ) -> Published:
        topics = [f"customer_id:{self.customer_id}:{resource}:{resource_id}"]
        if resource == "transcribe":  # the resource list calls it transcription, the quick start transcribe
            topics.append(f"customer_id:{self.customer_id}:transcription:{resource_id}")
        if happening.agent is not None and resource in ("agent", "call", "queue"):
            topics.append(f"agent_id:{self._agent_id(happening)}:{resource}:{resource_id}")
        listed = "transcript" if event_type == "transcript_created" else resource
        return Published(
            event_type,
            tuple(topics),
            data.get("tm_update") or _stamp(happening.at),
            data,
            listed if "id" in data else "",
        )

    def _agent_id(self, happening: ScenarioEvent) -> str:
        return self.id_of("agent", happening.required_agent.number)

    @staticmethod
    def _seconds(happening: ScenarioEvent, since: str) -> int:
        return round((happening.at - happening.required_contact.since[since]).total_seconds())
