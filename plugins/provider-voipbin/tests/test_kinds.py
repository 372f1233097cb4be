"""`jackfield_voipbin.kinds`: every documented and deployed event name has its neutral kind."""

import json
from datetime import UTC, datetime

import pytest

from jackfield.kinds import KIND_NAMES
from jackfield.selectors import KindPattern
from jackfield_voipbin.kinds import TABLE, ByField, kind_by, native_name, rule_of
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.published_names import resources_of

# As the vocabulary lists them, written out once more by hand: documented and deployed names.
EXPECTED = """
call.created call_created                                    call.initiated
call.status{status:dialing} call_dialing                     call.originated
call.status{status:ringing} call_ringing                     call.alerting
call.status{status:answered} call.status{status:progressing} call_progressing   call.connected
call.status{status:terminating} call.status{status:canceling} call_terminating call_canceling   call.clearing
call.status{status:hangup} call.ended call_hangup            call.cleared
call.status{status:hangup,hangup_reason:busy} call_hangup{hangup_reason:noanswer}      call.failed
call.ended{hangup_reason:failed}                             call.failed
call.status{status:parked} call.status call_updated          call.updated
call_deleted                                                 call.deleted
call.assigned                                                offer.created
groupcall.created groupcall_created                          call_group.created
groupcall_progressing                                        call_group.connected
groupcall_hangup                                             call_group.cleared
groupcall_deleted                                            call_group.deleted
queuecall_created                                            contact.created
queue.joined queuecall_waiting queuecall.joined              contact.queued
queuecall_connecting                                         offer.created
queue.connected queuecall_serviced                           contact.connected
queue.left queue.left{reason:abandoned} queuecall_abandoned   contact.abandoned
queue.left{reason:timeout} queuecall.timeout                 contact.dequeued
queuecall_done                                               contact.ended
queuecall_deleted                                            contact.deleted
queuecall_updated                                            contact.updated
queue.created                                                queue.started
queue.updated                                                queue.updated
queue.deleted                                                queue.stopped
agent.status{status:available} agent_status_updated{status:available}   agent.ready
agent.status{status:away} agent_status_updated{status:away}  agent.not_ready
agent.status{status:busy}                                    agent.busy
agent.status{status:ringing}                                 agent.reserved
agent.status{status:offline}                                 agent.logged_off
agent_created                                                agent.created
agent_updated                                                agent.updated
agent_deleted                                                agent.deleted
message.received message_created{direction:inbound}          message.received
message.sent message_created{direction:outbound}             message.sent
message.delivery message_updated                             message.delivery_updated
activeflow.created activeflow_created                        flow.started
activeflow.updated activeflow_updated{status:running}        flow.step_executed
activeflow.completed activeflow_updated{status:ended}        flow.completed
activeflow_deleted                                           flow.deleted
conference.created conference_created                        conference.started
conference_updated                                           conference.updated
conference_deleted                                           conference.ended
conference.joined                                            conference.participant_joined
conference.left                                              conference.participant_left
recording.started recording_started                          recording.started
recording.completed recording_finished                       recording.completed
transcribe_created transcription.created                     transcription.started
transcribe_progressing                                       transcription.progressed
transcribe_done transcription.completed                      transcription.completed
transcribe_speech_started                                    transcription.speech_started
transcribe_speech_interim                                    transcription.speech_interim
transcribe_speech_ended                                      transcription.speech_ended
transcript_created transcript.created                        transcription.segment_completed
campaign_status_run campaign.status{status:run}              campaign.started
campaign_status_stopping                                     campaign.stopping
campaign_status_stop                                         campaign.stopped
campaign_created                                             campaign.created
campaign_updated                                             campaign.updated
campaign_deleted                                             campaign.deleted
number_created                                               number.provisioned
number_updated                                               number.updated
number_deleted                                               number.released
agent.status{status:dreaming} agent.status                   unmapped.agent
message_created{direction:sideways}                          unmapped.message
message_deleted email_deleted conversation_message_deleted   message.deleted
email_created conversation_message_created webchat_message_created   message.sent
conversation_message_created{direction:incoming}             message.received
"""


def cases():
    found = []
    for line in EXPECTED.strip().splitlines():
        *names, kind = line.split()
        for name in names:
            event_type, _, fields = name.partition("{")
            data = dict(pair.split(":") for pair in fields.rstrip("}").split(",") if pair)
            found.append(pytest.param(event_type, data, kind, id=f"{name}-{kind}"))
    return found


@pytest.mark.parametrize(("event_type", "data", "kind"), cases())
def test_each_native_event_has_its_kind(event_type, data, kind):
    found = kind_by(rule_of(event_type), data)
    assert found == ("" if kind.startswith("unmapped.") else kind)


def test_a_call_that_was_answered_has_not_failed():
    ended = {"hangup_reason": "busy", "tm_progressing": "2026-08-20T09:15:01Z"}
    assert kind_by(rule_of("call_hangup"), ended) == "call.cleared"
    assert kind_by(rule_of("call_hangup"), ended | {"tm_progressing": None}) == "call.failed"
    assert kind_by(rule_of("call_hangup"), ended | {"tm_progressing": "9999-01-01T00:00:00.000000Z"}) == "call.failed"


def kind_of(frame):
    (emit,) = VoipbinProtocol("office", "C").received(json.dumps(frame).encode(), datetime(2026, 1, 1, tzinfo=UTC))
    return emit.event.kind


def test_the_topic_names_what_the_table_does_not_know():
    assert kind_of({"event_type": "thing.happened", "topic": "customer_id:C:gadget:1"}) == "unmapped.gadget"
    assert kind_of({"event_type": "thing.happened"}) == "unmapped.thing"


@pytest.mark.parametrize("data", [None, [], "text", 5, {"status": ["ringing"]}, {"status": None}])
def test_a_payload_of_any_shape_has_some_kind(data):
    assert kind_by(rule_of("call.status"), data) == "call.updated"


def rules():
    for words in TABLE.values():
        for rule in words.values():
            yield from rule.kinds.values() if isinstance(rule, ByField) else [rule]


@pytest.mark.parametrize("kind", sorted(set(rules())))
def test_every_kind_of_the_table_is_in_the_vocabulary(kind):
    assert kind in KIND_NAMES


def test_names_are_a_resource_and_a_word_with_dot_or_underscore():
    assert native_name("call.status") == native_name("call_status") == ("call", "status")
    assert native_name("agent_status_updated") == ("agent", "status_updated")
    assert native_name("ping") == ("ping", "")


@pytest.mark.parametrize(
    ("pattern", "resources"),
    [
        ("call.*", ("call",)),
        ("agent.ready", ("agent",)),
        ("offer.created", ("call", "queuecall")),
        ("conference.participant_joined", ("conference", "conferencecall")),
        ("transcription.completed", ("transcribe", "transcription")),
        ("supervision.*", ()),
        ("*.*", None),
        ("*.created", None),
        ("unmapped.*", None),
    ],
)
def test_kinds_are_asked_for_by_the_resources_that_bring_them(pattern, resources):
    assert resources_of(KindPattern.parse(pattern)) == resources
