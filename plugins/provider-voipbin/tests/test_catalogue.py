"""Every event that the platform delivers, in all three forms; the table is its catalogue, not our code's."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield_voipbin.protocol import VoipbinProtocol

AT = datetime(2026, 11, 21, tzinfo=UTC)
CREATED = "2026-08-20T09:15:00.120345Z"
UPDATED = "2026-08-20T09:16:00.5Z"
IDS = {"%ID": "5426b249-9549-4c18-b40b-3b14990d8afa", "%C": "93c9da93-7ffb-498e-9fc1-2798ea05112e"}
IDS["%0"] = "00000000-0000-0000-0000-000000000000"


def _resources():
    for line in Path(__file__).with_name("resources.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield (
            row["resource"],
            {name: IDS.get(value, value) if isinstance(value, str) else value for name, value in row["data"].items()},
        )


RESOURCES = dict(_resources())

# The event; the resource; its status, "-" for none; whether it was created, updated or deleted; the kind; the field
# that holds the correlation; the name under which the bare copy comes, = for the same.
EVENTS = """
call_created                 call                   ringing      c call.initiated                  id              =
call_created                 call                   dialing      c call.initiated                  id              =
call_dialing                 call                   dialing      u call.originated                 id              =
call_ringing                 call                   ringing      u call.alerting                   id              =
call_progressing             call                   progressing  u call.connected                  id              =
call_terminating             call                   terminating  u call.clearing                   id              =
call_canceling               call                   canceling    u call.clearing                   id              =
call_hangup                  call                   hangup       u call.cleared                    id              =
call_updated call progressing u call.updated id call_progressing
call_deleted                 call                   hangup       d call.deleted                    id              =
groupcall_created            groupcall              progressing  c call_group.created              id              =
groupcall_progressing        groupcall              progressing  u call_group.connected            id              =
groupcall_hangup             groupcall              hangup       u call_group.cleared              id              =
groupcall_deleted            groupcall              hangup       d call_group.deleted              id              =
recording_started            recording              initiating   c recording.started               activeflow_id   =
recording_started            recording              recording    u recording.started               activeflow_id   =
recording_finished           recording              ended        u recording.completed             activeflow_id   =
conference_created           conference             progressing  c conference.started              id              =
conference_updated           conference             progressing  u conference.updated              id              =
conference_deleted           conference             terminated   d conference.ended                id              =
message_created              message                -            c message.sent                    id              =
message_updated              message                -            u message.delivery_updated        id              =
message_deleted              message                -            d message.deleted                 id              =
message_ringing message - d message.deleted  id message_deleted
conversation_created         conversation           -            c conversation.started            id              =
conversation_updated         conversation           -            u conversation.updated            id              =
conversation_message_created conversation_message   done         c message.sent                    conversation_id =
conversation_message_updated conversation_message done u message.delivery_updated conversation_id =
conversation_message_deleted conversation_message   failed       d message.deleted                 conversation_id =
account_created              account                -            c account.created                 -               =
account_updated              account                -            u account.updated                 -               =
account_deleted              account                -            d account.deleted                 -               =
email_created                email                  initiated    c message.sent                    id              =
email_updated email open u message.delivery_updated id =
email_deleted                email                  bounce       d message.deleted                  id              =
transcribe_created           transcribe             progressing  c transcription.started           reference_id    =
transcribe_progressing       transcribe             progressing  u transcription.progressed        reference_id    =
transcribe_done              transcribe             done         u transcription.completed         reference_id    =
transcribe_speech_started    transcribe_speech      -            c transcription.speech_started    transcribe_id   =
transcribe_speech_ended transcribe_speech - c transcription.speech_ended transcribe_id transcribe_speech_started
transcript_created           transcript             -            c transcription.segment_completed transcribe_id   =
queuecall_created            queuecall              initiating   c contact.created                 reference_id    =
queuecall_waiting            queuecall              waiting      u contact.queued                  reference_id    =
queuecall_connecting         queuecall              connecting   u offer.created                   reference_id    =
queuecall_serviced           queuecall              service      u contact.connected               reference_id    =
queuecall_done               queuecall              done         u contact.ended                   reference_id    =
queuecall_abandoned          queuecall              abandoned    u contact.abandoned               reference_id    =
queuecall_deleted            queuecall              done         d contact.deleted                 reference_id    =
activeflow_created           activeflow             running      c flow.started                    id              =
activeflow_updated           activeflow             running      u flow.step_executed              id              =
activeflow_updated           activeflow             ended        u flow.completed                  id              =
activeflow_deleted           activeflow             ended        d flow.deleted                    id              =
campaign_created             campaign               stop         c campaign.created                -               =
campaign_updated campaign stop u campaign.updated - =
campaign_deleted             campaign               stop         d campaign.deleted                -               =
campaign_status_run          campaign               run          u campaign.started                -               =
campaign_status_stopping     campaign               stopping     u campaign.stopping               -               =
campaign_status_stop campaign stop u campaign.stopped - campaign_updated
campaigncall_created         campaigncall           dialing      c campaign_call.created           activeflow_id   =
campaigncall_updated         campaigncall           progressing  u campaign_call.updated           activeflow_id   =
campaigncall_deleted         campaigncall           done         d campaign_call.deleted           activeflow_id   =
outdial_created              outdial                -            c outdial.created                 -               =
outdial_updated              outdial                -            u outdial.updated                 -               =
outdial_deleted              outdial                -            d outdial.deleted                 -               =
number_created               number                 active       c number.provisioned              -               =
number_updated               number                 active       u number.updated                  -               =
number_deleted               number                 deleted      d number.released                 -               =
agent_created                agent                  offline      c agent.created                   -               =
agent_updated agent available u agent.updated - =
agent_deleted                agent                  offline      d agent.deleted                   -               =
agent_status_updated agent available u agent.ready - agent_updated
agent_status_updated         agent                  away         u agent.not_ready                 -               =
agent_status_updated         agent                  busy         u agent.busy                      -               =
agent_status_updated         agent                  ringing      u agent.reserved                  -               =
agent_status_updated         agent                  offline      u agent.logged_off                -               =
ai_created                   ai                     -            c ai.created                      -               =
ai_updated                   ai                     -            u ai.updated                      -               =
ai_deleted                   ai                     -            d ai.deleted                      -               =
team_created                 team                   -            c team.created                    -               =
team_updated                 team                   -            u team.updated                    -               =
team_deleted                 team                   -            d team.deleted                    -               =
summary_created              summary                progressing  c summary.created                 reference_id    =
summary_updated              summary                done         u summary.updated                 reference_id    =
summary_deleted              summary                done         d summary.deleted                 reference_id    =
aicall_status_initializing   aicall                 initiating   c ai_call.initiated                 activeflow_id   =
aicall_status_progressing    aicall                 progressing  u ai_call.connected                 activeflow_id   =
aicall_status_pausing        aicall                 pausing      u ai_call.paused                  activeflow_id   =
aicall_status_resuming       aicall                 resuming     u ai_call.resumed                 activeflow_id   =
aicall_status_terminating    aicall                 terminating  u ai_call.clearing                 activeflow_id   =
aicall_status_terminated     aicall                 terminated   u ai_call.cleared                 activeflow_id   =
aimessage_created aimessage - c ai_call.message_completed activeflow_id =
aimessage_intermediate aimessage_intermediate - - ai_call.message_progressed activeflow_id =
chat_created                 chat                   -            c chat.created                    id              =
chat_updated                 chat                   -            u chat.updated                    id              =
chat_deleted                 chat                   -            d chat.deleted                    id              =
chatmessage_created          chatmessage            -            c chat.message_posted             chat_id         =
chatmessage_reaction_updated chatmessage            -            u chat.reaction_updated            chat_id         =
chatmessage_deleted          chatmessage            -            d chat.message_deleted            chat_id         =
chatparticipant_added        chatparticipant        -            c chat.participant_added          chat_id         =
chatparticipant_removed chatparticipant - c chat.participant_removed chat_id chatparticipant_added
webchat_message_created      webchat_message        sent         c message.received                session_id      =
webchat_session_ended        webchat_session        ended        u conversation.ended                id              =
"""


def payload(resource, status, change):
    data = dict(RESOURCES[resource])
    if status != "-":
        data["status"] = status
    if change in "ud":
        data["tm_update"] = UPDATED
    if change == "d":
        data["tm_delete"] = UPDATED
    return data


def read(frame):
    raw = json.dumps(frame).encode()
    (emit,) = VoipbinProtocol("office").received(raw, AT)
    return emit.event


@pytest.mark.parametrize("row", EVENTS.strip().splitlines(), ids=lambda row: "-".join(row.split()[:4:2]))
def test_every_event_of_the_catalogue_is_the_same_in_every_form(row):
    name, resource, status, change, kind, correlation, bare_name = row.split()
    data = payload(resource, status, change)
    native, _, word = name.partition("_")
    address = f"voipbin/customer/{IDS['%C']}/{native}/{IDS['%ID']}/{word}"
    happened = {"c": CREATED, "-": None}.get(change, UPDATED)

    def check(event, *, named):
        assert (event.kind, str(event.address)) == (kind, address)
        assert event.time == (None if happened is None else datetime.fromisoformat(happened))
        assert event.correlation == data.get(correlation)
        assert event.inferred is not named
        assert event.data == data
        assert event.data_json == json.dumps(data).encode()
        assert type(event).from_cloudevent(event.to_json()).data_json == event.data_json

    wrapped = read({"type": name, "data": data})
    check(wrapped, named=True)
    for event_type in (name, f"{native}.{word}"):
        # As documented, and in the timelines, which know no topic.
        for topic in ({"topic": f"customer_id:{IDS['%C']}:{native}:{IDS['%ID']}"}, {}):
            event = read({"timestamp": happened, "event_type": event_type, **topic, "data": data})
            check(event, named=True)
            assert (event.native_type, event.native_topic) == (event_type, topic.get("topic", ""))
            if happened is not None:
                assert event.id == wrapped.id
    bare = read(data)
    if bare_name == "=":
        check(bare, named=False)
        assert bare.id == wrapped.id
    else:  # what cannot be seen in the resource
        inferred_native, _, inferred_word = bare_name.partition("_")
        assert bare.address == wrapped.address._replace(resource=inferred_native, event=inferred_word)
        assert (bare.inferred, bare.data_json, bare.time) == (True, wrapped.data_json, wrapped.time)


def test_the_catalogue_has_every_resource_that_is_published():
    assert {row.split()[1] for row in EVENTS.strip().splitlines()} == RESOURCES.keys()


GHOSTS = """
call_answered unmapped.call
call_hungup unmapped.call
call.outbound_whitelist_rejected unmapped.call
queuecall_entering unmapped.queuecall
queuecall_kicking unmapped.queuecall
recording_created unmapped.recording
recording_deleted unmapped.recording
confbridge_join unmapped.confbridge
message_received message.received
message.delivery message.delivery_updated
queue_created queue.started
queue_updated queue.updated
queue_deleted queue.stopped
conferencecall_joined conference.participant_joined
conferencecall_leaved conference.participant_left
conferencecall_joining unmapped.conferencecall
dtmf_received unmapped.dtmf
flow_created unmapped.flow
customer_updated unmapped.customer
Account_updated unmapped.account
provider_call_created unmapped.provider
team_member_switched unmapped.team
transcribe_deleted unmapped.transcribe
number_renewed unmapped.number
call.assigned offer.created
agent.status.updated agent.ready
campaign.status.run campaign.started
call..status unmapped.call
CALL.STATUS unmapped.call
call unmapped.call
gadget-x.exploded unmapped.gadget_x
_ unmapped.unknown
"""


@pytest.mark.parametrize("row", GHOSTS.strip().splitlines())
def test_a_name_that_is_never_sent_is_an_event_whole_with_its_name(row):
    name, kind = row.split()
    data = {"id": "1", "customer_id": "c", "status": "available", "tm_update": "2022-04-11 00:23:53.636000"}
    for frame in ({"type": name, "data": data}, {"event_type": name, "data": data}):
        event = read(frame)
        assert (event.kind, event.native_type, event.data) == (kind, name, data)
        assert event.time == datetime(2022, 4, 11, 0, 23, 53, 636000, UTC)
        assert type(event).from_cloudevent(event.to_json()) == event
