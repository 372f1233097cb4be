"""Which resource a bare object is: the one whose fields it has, as a whole and not by any single one of them.

Each release of the platform adds fields, and sometimes drops one. So an object is taken for the resource that it
resembles most, where that has most of the object's fields, and the object most of what the platform always writes; else
for the first that it has the mark of.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import attrs

__all__ = ["SHAPES", "Shape", "has_known_fields_only", "nearest", "resource_of"]

# Of ten fields so many are the same.
LEAST_ALIKE = 0.7

# From the platform's source (bin-*/models/*/webhook.go): what has a question mark is left out where it is empty, and
# by what has an exclamation mark a resource is known by which little else is said.
_STAMPS = "tm_create tm_update tm_delete"
_FIELDS = {
    "call": "owner_type owner_id flow_id activeflow_id type? master_call_id chained_call_ids? recording_id "
    "recording_ids? groupcall_id source! destination! status? action! metadata? direction? mute_direction? hangup_by? "
    "hangup_reason? tm_progressing? tm_ringing? tm_hangup? tm_create? tm_update? tm_delete?",
    "queuecall": "reference_type? reference_id! status? service_agent_id! duration_waiting? duration_service? "
    f"tm_service {_STAMPS}",
    "activeflow": "flow_id! status? reference_type? reference_id reference_activeflow_id on_complete_flow_id "
    f"webhook_uri? webhook_method? current_action! forward_action_id executed_actions? {_STAMPS}",
    "agent": "username name detail ring_method! status permission! tag_ids addresses direct_hash tm_create? tm_update? "
    "tm_delete?",
    "groupcall": "owner_type owner_id status? flow_id source? destinations? master_call_id master_groupcall_id "
    "ring_method? answer_method? answer_call_id! call_ids? answer_groupcall_id! groupcall_ids? call_count? "
    "groupcall_count? dial_index? tm_create? tm_update? tm_delete?",
    "conference": "type? status? name? detail? data? timeout? pre_flow_id! post_flow_id! conferencecall_ids? "
    f"recording_id recording_ids? transcribe_id transcribe_ids? direct_hash tm_end {_STAMPS}",
    "message": f"type source targets! text direction! {_STAMPS}",
    "recording": "owner_type owner_id! activeflow_id reference_type? reference_id status? format? on_end_flow_id! "
    "tm_start? tm_end? tm_create? tm_update? tm_delete?",
    "transcribe_speech": "streaming_id! transcribe_id! direction message? tm_event tm_create",
    # Its offset was tm_transcript, and is offset_ms since autumn 2026.
    "transcript": "transcribe_id! direction message! tm_transcript? offset_ms? tm_create",
    "transcribe": "activeflow_id on_end_flow_id! reference_type reference_id status language direction provider! "
    + _STAMPS,
    "campaigncall": "campaign_id! outplan_id outdial_id outdial_target_id! queue_id activeflow_id flow_id "
    f"reference_type reference_id status result source destination destination_index try_count {_STAMPS}",
    "campaign": "type name detail status service_level! end_handle! actions outplan_id outdial_id queue_id "
    f"next_campaign_id {_STAMPS}",
    "number": "number! type call_flow_id! message_flow_id name detail status t38_enabled emergency_enabled metadata "
    f"tm_purchase tm_renew {_STAMPS}",
    "aicall": "assistance_type? assistance_id! ai_engine_model? ai_tts_type? ai_tts_voice_id? ai_stt_type? "
    "ai_vad_config? ai_smart_turn_enabled? parameter? activeflow_id reference_type? reference_id confbridge_id! "
    f"current_member_id status? stt_language? metadata? tm_end {_STAMPS}",
    "aimessage_intermediate": "aicall_id! activeflow_id active_ai_id role content sequence!",
    "aimessage": "aicall_id! activeflow_id active_ai_id! role content direction tool_calls? tool_call_id? tm_create",
    "chatmessage": f"owner_type owner_id chat_id! parent_id? type text medias! metadata {_STAMPS}",
    "chatparticipant": "owner_type owner_id chat_id! tm_joined!",
    "conversation_message": "conversation_id! direction? status? reference_type? reference_id source! destination! "
    f"text? medias? case_id? {_STAMPS}",
    "conversation": f"owner_type owner_id account_id! name? detail? type? dialog_id? self! peer! {_STAMPS}",
    "webchat_message": "widget_id! session_id! direction status sender_id text tm_create tm_delete",
    "webchat_session": "widget_id! status page_url? referrer? peer local! tm_last_activity? tm_create? tm_update? "
    "tm_end?",
    "email": f"source destinations status subject! content! attachments {_STAMPS}",
    "outdial": f"campaign_id! name detail data! {_STAMPS}",
    "ai": "name? detail? type? is_insight_active! engine_model? parameter? engine_key? rag_id! init_prompt? "
    "current_prompt_history_id tts_type? tts_voice_id? stt_type? vad_config? smart_turn_enabled? "
    f"auto_aicall_audit_enabled? tool_names? direct_hash? {_STAMPS}",
    "team": f"name? detail? start_member_id! members? parameter? {_STAMPS}",
    "account": f"type? name? detail? provider_data? message_flow_id! {_STAMPS}",
    "summary": f"activeflow_id! on_end_flow_id! reference_type? reference_id status? language? content? {_STAMPS}",
    "chat": f"owner_type? owner_id? type? name? detail? member_count? {_STAMPS}",
}
# What a resource of any kind may have, so that it says nothing of which it is.
_COMMON = frozenset(
    "id customer_id owner_type owner_id type name detail status direction reference_type reference_id metadata "
    f"parameter {_STAMPS}".split()
)
# A talk's chat has often no field of its own but its type.
_CHAT_TYPES = ("direct", "group", "talk")


@attrs.frozen
class Shape:
    """The fields of one resource."""

    resource: str
    always: frozenset[str]
    """What the platform writes even where it is empty."""
    known: frozenset[str]
    own: frozenset[str]
    """Those by which it is distinguished from others, at least in part."""
    mark: frozenset[str]
    """By which alone it is known, where nothing is more like it."""

    def likeness(self, keys: frozenset[str], others: int) -> float:
        """How like it an object with these fields and so many others is: up to 1, and 0 without one of its own."""
        return len(keys & self.known) / (len(keys | self.always) + others) if keys & self.own else 0.0


def _shape(resource: str, text: str) -> Shape:
    fields = text.split()
    known = frozenset(field.rstrip("?!") for field in fields)
    always = frozenset(field.rstrip("!") for field in fields if not field.endswith("?"))
    mark = frozenset(field.rstrip("!") for field in fields if field.endswith("!"))
    return Shape(resource, always, known, known - _COMMON, mark)


SHAPES: Mapping[str, Shape] = {resource: _shape(resource, text) for resource, text in _FIELDS.items()}
"""By resource, as its events' names begin."""

_NAMES = frozenset().union(*(shape.known for shape in SHAPES.values()))


def resource_of(data: Mapping[str, Any]) -> str:
    """The resource that these fields are of; empty where it is none that is known."""
    # What is remembered holds names of the platform's only, which are few and short.
    return _resource_by(*_fields(data)) or ("chat" if data.get("type") in _CHAT_TYPES else "")


def has_known_fields_only(data: Mapping[str, Any]) -> bool:
    """Whether each of these fields is one that some resource has."""
    return _fields(data)[1] == 0


def _fields(data: Mapping[str, Any]) -> tuple[tuple[str, ...], int]:
    """The names that some resource has, and how many others there are."""
    known = tuple([key for key in data if key in _NAMES])
    return known, len(data) - len(known) - ("id" in data) - ("customer_id" in data)


@lru_cache(1024)
def _resource_by(keys: tuple[str, ...], others: int) -> str:
    fields = frozenset(keys)
    best = _most_alike(fields, others)
    if best.likeness(fields, others) >= LEAST_ALIKE:
        return best.resource
    return next((each.resource for each in SHAPES.values() if each.mark and each.mark <= fields), "")


def _most_alike(fields: frozenset[str], others: int) -> Shape:
    return max(SHAPES.values(), key=lambda shape: shape.likeness(fields, others))


def nearest(data: Mapping[str, Any]) -> str:
    """For a report: what an object resembles most, and what it lacks of that."""
    keys, others = _fields(data)
    fields = frozenset(keys)
    best = _most_alike(fields, others)
    if not best.likeness(fields, others):
        return "it resembles no resource"
    missing = ", ".join(sorted(best.always - fields))
    return f"the nearest is {best.resource}" + (f", which also has {missing}" if missing else "")
