"""`jackfield_voipbin.bare`: which resource an object is, and what has happened to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_voipbin.bare import name_of
from jackfield_voipbin.shapes import SHAPES, resource_of

# The platform's published structs, written out from its source; what has a question mark may be left out.
STRUCTS = {
    name: fields.split()
    for name, fields in {
        "call": "owner_type owner_id flow_id activeflow_id type? master_call_id chained_call_ids? recording_id "
        "recording_ids? groupcall_id source destination status? action metadata? direction? mute_direction? hangup_by? "
        "hangup_reason? tm_progressing? tm_ringing? tm_hangup? tm_create? tm_update? tm_delete?",
        "groupcall": "owner_type owner_id status? flow_id source? destinations? master_call_id master_groupcall_id "
        "ring_method? answer_method? answer_call_id call_ids? answer_groupcall_id groupcall_ids? call_count? "
        "groupcall_count? dial_index? tm_create? tm_update? tm_delete?",
        "recording": "owner_type owner_id activeflow_id reference_type? reference_id status? format? on_end_flow_id "
        "tm_start? tm_end? tm_create? tm_update? tm_delete?",
        "conference": "type? status? name? detail? data? timeout? pre_flow_id post_flow_id conferencecall_ids? "
        "recording_id recording_ids? transcribe_id transcribe_ids? direct_hash tm_end tm_create tm_update tm_delete",
        "message": "type source targets text direction tm_create tm_update tm_delete",
        "conversation": "owner_type owner_id account_id name? detail? type? dialog_id? self peer tm_create tm_update "
        "tm_delete",
        "conversation_message": "conversation_id direction? status? reference_type? reference_id source destination "
        "text? medias? case_id? tm_create tm_update tm_delete",
        "account": "type? name? detail? provider_data? message_flow_id tm_create tm_update tm_delete",
        "email": "source destinations status subject content attachments tm_create tm_update tm_delete",
        "transcribe": "activeflow_id on_end_flow_id reference_type reference_id status language direction provider "
        "tm_create tm_update tm_delete",
        "transcript": "transcribe_id direction message tm_transcript tm_create",
        "transcribe_speech": "streaming_id transcribe_id direction message? tm_event tm_create",
        "queuecall": "reference_type? reference_id status? service_agent_id duration_waiting? duration_service? "
        "tm_create tm_service tm_update tm_delete",
        "activeflow": "flow_id status? reference_type? reference_id reference_activeflow_id on_complete_flow_id "
        "webhook_uri? webhook_method? current_action forward_action_id executed_actions? tm_create tm_update tm_delete",
        "campaign": "type name detail status service_level end_handle actions outplan_id outdial_id queue_id "
        "next_campaign_id tm_create tm_update tm_delete",
        "campaigncall": "campaign_id outplan_id outdial_id outdial_target_id queue_id activeflow_id flow_id "
        "reference_type reference_id status result source destination destination_index try_count tm_create tm_update "
        "tm_delete",
        "outdial": "campaign_id name detail data tm_create tm_update tm_delete",
        "number": "number type call_flow_id message_flow_id name detail status t38_enabled emergency_enabled metadata "
        "tm_purchase tm_renew tm_create tm_update tm_delete",
        "agent": "username name detail ring_method status permission tag_ids addresses direct_hash tm_create? "
        "tm_update? tm_delete?",
        "ai": "name? detail? type? is_insight_active engine_model? parameter? engine_key? rag_id init_prompt? "
        "current_prompt_history_id tool_names? direct_hash? tm_create tm_update tm_delete",
        "aicall": "assistance_type? assistance_id ai_engine_model? parameter? activeflow_id reference_type? "
        "reference_id confbridge_id current_member_id status? stt_language? metadata? tm_end tm_create tm_update "
        "tm_delete",
        "aimessage": "aicall_id activeflow_id active_ai_id role content direction tool_calls? tool_call_id? tm_create",
        "aimessage_intermediate": "aicall_id activeflow_id active_ai_id role content sequence",
        "chat": "owner_type? owner_id? type name? detail? member_count? tm_create tm_update tm_delete",
        "chatmessage": "owner_type owner_id chat_id parent_id? type text medias metadata tm_create tm_update tm_delete",
        "chatparticipant": "owner_type owner_id chat_id tm_joined",
        "webchat_message": "widget_id session_id direction status sender_id text tm_create tm_delete",
        "webchat_session": "widget_id status page_url? referrer? peer local tm_last_activity? tm_create? tm_update? "
        "tm_end?",
        "summary": "activeflow_id on_end_flow_id reference_type? reference_id status? language? content? tm_create "
        "tm_update tm_delete",
        "team": "name? detail? start_member_id members? tm_create tm_update tm_delete",
    }.items()
}


def object_of(struct, *, left_out=frozenset()):
    keys = ["id", "customer_id", *STRUCTS[struct]]
    return {key.rstrip("?"): "group" if key == "type" else "x" for key in keys if key not in left_out}


def test_every_struct_of_the_platform_is_here():
    assert STRUCTS.keys() == SHAPES.keys()


@given(st.sampled_from(sorted(STRUCTS)), st.data())
def test_a_resource_is_known_whatever_the_platform_leaves_out_of_it(struct, data):
    optional = [field for field in STRUCTS[struct] if field.endswith("?")]
    left_out = data.draw(st.sets(st.sampled_from(optional))) if optional else set()
    assert resource_of(object_of(struct, left_out=left_out)) == struct


# What a resource cannot be known without: nothing else is its own, or its kin has all the rest.
NEEDED = {("account", "message_flow_id"), ("aimessage_intermediate", "sequence"), ("chat", "type")}
NEEDED |= {("team", "start_member_id")}


@pytest.mark.parametrize("struct", sorted(STRUCTS))
def test_a_resource_is_known_after_a_release_has_dropped_a_field_or_added_others(struct):
    for field in STRUCTS[struct]:
        if (struct, field.rstrip("?")) not in NEEDED:
            assert resource_of(object_of(struct, left_out={field})) == struct, field
    many = object_of(struct) | dict.fromkeys(map(str, range(40)))
    assert resource_of(many) == struct
    assert resource_of(dict(reversed(many.items()))) == struct


@pytest.mark.parametrize(
    "fields", [{}, {"id": "1"}, {"id": "1", "customer_id": "c", "type": "flow", "tm_create": None}]
)
def test_what_no_resource_looks_like_has_no_name(fields):
    assert (resource_of(fields), name_of(fields)) == ("", "")


# Resource; its status, tm_update and tm_delete; the name.
NAMES = """
call dialing - -                created
call ringing - -                created
call ringing T -                ringing
call dialing T -                dialing
call progressing - -            progressing
call progressing T -            progressing
call terminating T -            terminating
call canceling T -              canceling
call hangup T -                 hangup
call hangup T T                 deleted
call parked T -                 updated
call hangup T 9999              hangup
call ringing 9999 -             created
groupcall progressing - -       created
groupcall progressing T -       progressing
groupcall hangup T -            hangup
queuecall initiating - -        created
queuecall waiting T -           waiting
queuecall connecting T -        connecting
queuecall service T -           serviced
queuecall done T -              done
queuecall abandoned T -         abandoned
queuecall done T T              deleted
activeflow running - -          created
activeflow ended T -            updated
activeflow ended T T            deleted
campaign stop - -               created
campaign stop T -               status_stop
campaign stopping T -           status_stopping
campaign run T -                status_run
agent offline - -               created
agent busy T -                  status_updated
agent busy T T                  deleted
conference progressing - -      created
conference progressing T -      updated
recording recording T -         started
recording ended T -             finished
transcribe progressing - -      created
transcribe progressing T -      progressing
transcribe done T -             done
message - - -                   created
message - T -                   updated
number active - T               deleted
aicall initiating T -           status_initializing
aicall terminated T -           status_terminated
chatmessage - T -               reaction_updated
chatparticipant - - -           added
transcript - - -                created
webchat_session ended - -       ended
conversation_message done T -   updated
"""


@pytest.mark.parametrize("row", NAMES.strip().splitlines(), ids=str.split)
def test_the_name_follows_from_deletion_creation_and_state(row):
    struct, status, updated, deleted, word = row.split()
    times = {"-": None, "T": "2026-08-20T09:15:00Z", "9999": "9999-01-01 00:00:00.000000"}
    fields = {"status": status, "tm_update": times[updated], "tm_delete": times[deleted]}
    assert name_of(object_of(struct) | fields) == f"{struct}_{word}"


def test_speech_and_a_streamed_message_have_whole_names():
    assert name_of(object_of("transcribe_speech")) == "transcribe_speech_interim"
    assert name_of(object_of("transcribe_speech", left_out={"message?"})) == "transcribe_speech"
    assert name_of(object_of("aimessage_intermediate")) == "aimessage_intermediate"


@pytest.mark.parametrize("status", [None, 5, ["ringing"], {}])
def test_a_status_that_is_no_word_is_no_state(status):
    assert name_of(object_of("call") | {"status": status, "tm_update": "2026-08-20T09:15:00Z"}) == "call_updated"
