"""The same day in the words of the platform as it is deployed: resources, whole, each time one of them changes.

An event is named by its resource and what happened, ``queuecall_waiting``; its payload is the resource with all the
fields by which a reader knows it, and its times of creation, update and deletion.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from jackfield.simulation.scenario import ScenarioEvent
from jackfield_voipbin.kinds import NIL_UUID
from jackfield_voipbin.published import AGENT_STATUS, LINE, Published, Writer, addresses_of, phone_number

__all__ = ["NO_OWNER", "DeployedWriter"]

# After these nothing more happens to a resource, nor ever to what was said.
_LAST = ("hangup", "done", "abandoned", "deleted", "finished", "status_terminated")
_UNCHANGING = ("transcript", "aimessage")
NO_OWNER = {"owner_type": "", "owner_id": NIL_UUID}
_NO_ACTION = {"id": NIL_UUID, "next_id": NIL_UUID, "tm_execute": None}


def _stamp(moment: datetime) -> str:
    """As Go writes it: without zeros at the end of the fraction."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


@attrs.define
class DeployedWriter(Writer):
    """Writes what happens in the platform's words."""

    service: str = ""
    """What stands in the longer topics where it is not the resource."""
    resources: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    """Those that may still change."""

    def write(self, happening: ScenarioEvent) -> Iterator[Published]:
        """What one happening has the platform publish."""
        what = happening.what
        match what:
            case "call_started":
                yield self._call(happening, "created", status="dialing")
                yield self._flow(happening, "created", status="running")
            case "call_alerting":
                yield self._call(happening, "ringing", "tm_ringing", status="ringing")
            case "call_answered":
                yield self._call(happening, "progressing", "tm_progressing", status="progressing")
                yield self._recording(happening, "started", "tm_start", status="recording")
            case "flow_step":
                yield self._flow(happening, "updated", status="running")
            case "queued":
                yield self._queuecall(happening, "created", status="initiating")
                yield self._queuecall(happening, "waiting", status="waiting")
            case "offered":
                agent_id = self.id_of("agent", happening.required_agent.number)
                yield self._agent(happening, "ringing")
                yield self._queuecall(happening, "connecting", status="connecting", service_agent_id=agent_id)
            case "rejected" | "rescinded":
                yield self._queuecall(happening, "waiting", status="waiting", service_agent_id=NIL_UUID)
            case "connected":
                agent_id = self.id_of("agent", happening.required_agent.number)
                yield self._queuecall(happening, "serviced", "tm_service", status="service")
                yield self._agent(happening, "busy")
                yield self._call(happening, "updated", owner_type="agent", owner_id=agent_id)
                yield self._transcribe(happening, "created", status="progressing")
            case "said":
                yield self._transcript(happening)
            case "abandoned":
                yield self._queuecall(happening, "abandoned", status="abandoned")
                yield from self._end(happening)
            case "hung_up":
                yield self._transcribe(happening, "done", status="done")
                yield self._queuecall(happening, "done", status="done")
                yield from self._end(happening)
            case "message_received" | "message_sent" | "message_progressed":
                yield self._message(happening)
            case "conference_started" | "conference_joined" | "conference_left" | "conference_ended":
                yield self._conference(happening)
            case "campaign_changed" | "number_provisioned":
                yield self._upkeep(happening)
            case _:
                if what in AGENT_STATUS:
                    yield self._agent(happening, AGENT_STATUS[what])

    # -- one method for each resource ----------------------------------------------------------------

    def _call(self, happening: ScenarioEvent, word: str, moment: str = "", **fields: Any) -> Published:
        contact = happening.required_contact
        first = {
            **NO_OWNER,
            "flow_id": self.id_of("flow", 0),
            "activeflow_id": self.id_of("activeflow", contact.number),
            "type": "flow",
            "master_call_id": NIL_UUID,
            "recording_id": NIL_UUID,
            "groupcall_id": NIL_UUID,
            "source": {"type": "tel", "target": phone_number(contact.number), "target_name": contact.caller},
            "destination": {"type": "tel", "target": LINE},
            "action": _NO_ACTION,
            "direction": "incoming",
        }
        return self._change(happening, "call", contact.number, word, moment, first, **fields)

    def _flow(self, happening: ScenarioEvent, word: str, **fields: Any) -> Published:
        number = happening.required_contact.number
        first = {
            "flow_id": self.id_of("flow", 0),
            "reference_type": "call",
            "reference_id": self.id_of("call", number),
            "current_action": {"id": self.id_of("action", number), "next_id": NIL_UUID, "type": "queue_join"},
        }
        return self._change(happening, "activeflow", number, word, "", first, **fields)

    def _recording(self, happening: ScenarioEvent, word: str, moment: str, **fields: Any) -> Published:
        number = happening.required_contact.number
        first = {
            **NO_OWNER,
            "activeflow_id": self.id_of("activeflow", number),
            "reference_type": "call",
            "reference_id": self.id_of("call", number),
            "format": "wav",
            "on_end_flow_id": NIL_UUID,
        }
        return self._change(happening, "recording", number, word, moment, first, **fields)

    def _queuecall(self, happening: ScenarioEvent, word: str, moment: str = "", **fields: Any) -> Published:
        contact = happening.required_contact
        first = {
            "reference_type": "call",
            "reference_id": self.id_of("call", contact.number),
            "service_agent_id": NIL_UUID,
        }
        queue = {"id": self.id_of("queue", contact.queue.number), "customer_id": self.customer_id}
        published = self._change(happening, "queuecall", contact.number, word, moment, first, **fields)
        return attrs.evolve(published, queue=queue | {"name": contact.queue.name, "detail": ""})

    def _agent(self, happening: ScenarioEvent, status: str) -> Published:
        agent = happening.required_agent
        first = {
            "username": f"{agent.name}@example.com",
            "name": agent.name,
            "ring_method": "ringall",
            "permission": 0x10,
            "tag_ids": None,
            "addresses": None,
        }
        return self._change(happening, "agent", agent.number, "status_updated", "", first, status=status)

    def _transcribe(self, happening: ScenarioEvent, word: str, **fields: Any) -> Published:
        number = happening.required_contact.number
        first = {
            "activeflow_id": self.id_of("activeflow", number),
            "on_end_flow_id": NIL_UUID,
            "reference_type": "call",
            "reference_id": self.id_of("call", number),
            "language": "en-US",
            "direction": "both",
            "provider": "gcp",
        }
        return self._change(happening, "transcribe", number, word, "", first, **fields)

    def _transcript(self, happening: ScenarioEvent) -> Published:
        contact = happening.required_contact
        direction, text = happening.words
        more: dict[str, Any] = {
            "transcribe_id": self.id_of("transcribe", contact.number),
            "direction": direction,
            "message": text,
        }
        number = f"{contact.number}-{contact.turn}"
        return self._change(happening, "transcript", number, "created", **self._offset(contact.turn), **more)

    def _message(self, happening: ScenarioEvent) -> Published:
        message = happening.required_message
        inbound = happening.what == "message_received"
        customer, line = addresses_of(message)
        return self._change(
            happening,
            "message",
            message.number,
            "updated" if happening.what == "message_progressed" else "created",
            type="sms",
            source=customer if inbound else line,
            targets=[{"destination": line if inbound else customer, "status": message.status, "parts": 1}],
            text=message.text,
            direction="inbound" if inbound else "outbound",
        )

    def _conference(self, happening: ScenarioEvent) -> Published:
        contact = happening.required_contact
        joined = [self.id_of("conferencecall", f"{contact.number}-{turn}") for turn in range(contact.turn)]
        word = {"conference_started": "created", "conference_ended": "deleted"}.get(happening.what, "updated")
        more: dict[str, Any] = {"type": "conference", "data": {}, "pre_flow_id": NIL_UUID, "post_flow_id": NIL_UUID}
        status = "terminated" if word == "deleted" else "progressing"
        more |= {"status": status, "conferencecall_ids": joined}
        return self._change(
            happening,
            "conference",
            contact.number,
            word,
            self._end_of_conference() if word == "deleted" else "",
            **more,
        )

    def _offset(self, seconds: int) -> dict[str, Any]:
        return {"tm_transcript": f"0001-01-01T00:00:{seconds:02d}Z"}

    def _end_of_conference(self) -> str:
        return "tm_delete"

    def _upkeep(self, happening: ScenarioEvent) -> Published:
        number, state = happening.words
        more: dict[str, Any]
        if happening.what == "number_provisioned":
            e164 = phone_number(int(number))
            more = {"type": "normal", "number": e164, "call_flow_id": NIL_UUID, "message_flow_id": NIL_UUID}
            return self._change(happening, "number", number, "created", status=state, **more)
        more = {"type": "call", "name": "Spring", "end_handle": "stop", "service_level": 100, "actions": None}
        return self._change(happening, "campaign", number, f"status_{state}", status=state, **more)

    def _end(self, happening: ScenarioEvent) -> Iterator[Published]:
        why = {"hangup_by": "remote", "hangup_reason": "normal"}
        yield self._call(happening, "hangup", "tm_hangup", status="hangup", **why)
        yield self._recording(happening, "finished", "tm_end", status="ended")
        yield self._flow(happening, "updated", status="ended")

    # -- what they share -----------------------------------------------------------------------------

    def _change(
        self,
        happening: ScenarioEvent,
        resource: str,
        number: int | str,
        word: str,
        moment: str = "",
        first: dict[str, Any] | None = None,
        /,
        **fields: Any,
    ) -> Published:
        """Change a resource, or create it with the fields that it has from the first, and publish the whole of it."""
        resource_id = self.id_of(resource, number)
        stamp = _stamp(self.clock.moment(happening.at))
        data = self.resources.pop(resource_id, None)
        if data is None:
            data = {"id": resource_id, "customer_id": self.customer_id, **(first or {}), **fields, "tm_create": stamp}
            if resource not in _UNCHANGING:
                data |= {"tm_update": None, "tm_delete": None}
        else:
            data = data | fields | {"tm_update": stamp}
        if moment:
            data |= {moment: stamp}
        if word not in _LAST and data.get("status") != "ended" and resource not in _UNCHANGING:
            self.resources[resource_id] = data
        return self._published(f"{resource}_{word}", resource, data, stamp)

    def _published(self, event_type: str, listed: str, data: dict[str, Any], stamp: str) -> Published:
        """Under the topics of the customer, and of the agent who owns it; `listed` is whose list it is in, if any."""
        resource = event_type.partition("_")[0]
        place = f"aicall:{data['aicall_id']}" if resource == "aimessage" else f"{resource}:{data['id']}"
        topics = []
        scopes = [f"customer_id:{self.customer_id}"]
        if (owner := data.get("owner_id", NIL_UUID)) != NIL_UUID:
            scopes.append(f"agent_id:{owner}")
        for scope in scopes:
            topics.append(f"{scope}:{place}")
            topics.append(f"{scope}:{self.service or resource}:{event_type}:{data['id']}")
        return Published(event_type, tuple(topics), stamp, data, listed)
