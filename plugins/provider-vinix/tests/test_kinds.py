"""`jackfield_vinix.kinds`: every event of the documentation has its neutral kind."""

import pytest

from jackfield.kinds import KIND_NAMES
from jackfield_vinix.kinds import TABLE, kind_of, kinds_at

# As the documentation lists the words and the vocabulary their kinds, written out once more by hand.
EXPECTED = {
    "queue": "create queue.started, delete queue.stopped, join contact.queued, leave contact.dequeued, "
    "delivered contact.routed, sync queue.snapshot, dance unmapped.queue",
    "recipient": "create agent.logged_on, login agent.logged_on, delete agent.logged_off, logout agent.logged_off, "
    "ready agent.ready, away agent.not_ready, pause agent.queue_paused, resume agent.queue_resumed, "
    "wrapup_start agent.wrapup_started, wrapup_complete agent.wrapup_ended, offer offer.created, "
    "reject offer.rejected, rescind offer.rescinded, delivered contact.connected, hangup contact.disconnected, "
    "external_call_start agent.external_call_started, external_call_end agent.external_call_ended, "
    "sync agent.snapshot, wiretap_start supervision.started, wiretap_stop supervision.ended, "
    "wiretap_failed supervision.failed, interaction_finalize_start contact.disposition_started, "
    "interaction_finalize_end contact.disposition_completed, dance unmapped.recipient",
    "session": "create contact.created, delete contact.ended, dance unmapped.session",
    "call": "CHANNEL_CREATE call.initiated, CHANNEL_PROGRESS call.alerting, CHANNEL_PROGRESS_MEDIA call.alerting, "
    "CHANNEL_ANSWER call.connected, CHANNEL_BRIDGE call.bridged, CHANNEL_UNBRIDGE call.unbridged, "
    "CHANNEL_HOLD call.held, CHANNEL_UNHOLD call.retrieved, CHANNEL_TRANSFEROR call.transferred, "
    "CHANNEL_TRANSFEREE call.transferred, CHANNEL_DESTROY call.cleared, PARK_PARKED call.parked, "
    "PARK_RETRIEVED call.unparked, PARK_ABANDONED call.cleared, DTMF call.digit_received, "
    "RECORD_START recording.started, RECORD_STOP recording.completed, CHANNEL_DANCE unmapped.call",
    "conference": "conference-create conference.started, conference-destroy conference.ended, "
    "add-member conference.participant_joined, del-member conference.participant_left, "
    "mute-member unmapped.conference",
    "gadget": "create unmapped.gadget",
}
CASES = [(family, *pair.split()) for family, pairs in EXPECTED.items() for pair in pairs.split(", ")]


@pytest.mark.parametrize(("family", "word", "kind"), CASES)
def test_each_word_has_its_kind(family, word, kind):
    assert kind_of(family, word, {}) == kind


def test_the_list_above_is_whole():
    assert {(family, word) for family in TABLE for word in TABLE[family]} == {
        (family, word) for family, word, kind in CASES if not kind.startswith("unmapped")
    }


@pytest.mark.parametrize(
    "reason",
    ["abandoned", "Abandoned", "caller-hangup", "hung up", "ORIGINATOR_CANCEL", "Caller Hang-Up", "memberAbandoned"],
)
def test_a_caller_who_hung_up_has_abandoned_the_queue(reason):
    assert kind_of("queue", "leave", {"reason": reason}) == "contact.abandoned"


@pytest.mark.parametrize("reason", ["timeout", "delivered", "agent_hangup", "cancelled", "", None, 5, ["abandoned"]])
def test_any_other_reason_is_just_leaving(reason):
    assert kind_of("queue", "leave", {"reason": reason}) == "contact.dequeued"


@pytest.mark.parametrize(
    ("word", "fields", "kind"),
    [
        ("CHANNEL_CREATE", {"call_direction": "inbound"}, "call.initiated"),
        ("CHANNEL_CREATE", {"call_direction": "outbound"}, "call.originated"),
        ("CHANNEL_CREATE", {"call_direction": ["outbound"]}, "call.initiated"),
        ("CHANNEL_DESTROY", {"billing_seconds": 12, "hangup_cause": "NORMAL_CLEARING"}, "call.cleared"),
        ("CHANNEL_DESTROY", {"billing_seconds": "0", "hangup_cause": "NORMAL_CLEARING"}, "call.failed"),
        ("CHANNEL_DESTROY", {"hangup_cause": "USER_BUSY"}, "call.failed"),
        ("CHANNEL_DESTROY", {"billing_seconds": "9" * 40}, "call.cleared"),
        ("CHANNEL_DESTROY", {"billing_seconds": "often"}, "call.cleared"),
    ],
)
def test_what_a_call_event_says_decides_between_two_kinds(word, fields, kind):
    assert kind_of("call", word, fields) == kind
    assert kind in kinds_at("call", word)


@pytest.mark.parametrize("kind", sorted({kind for words in TABLE.values() for kind in words.values()}))
def test_every_kind_of_the_table_is_in_the_vocabulary(kind):
    assert kind in KIND_NAMES


@pytest.mark.parametrize(
    ("family", "word", "kinds"),
    [
        ("queue", "join", {"contact.queued"}),
        ("queue", "leave", {"contact.dequeued", "contact.abandoned"}),
        ("queue", "dance", {"unmapped.queue"}),
        ("session", None, {"contact.created", "contact.ended", "unmapped.session"}),
        ("gadget", "create", {"unmapped.gadget"}),
    ],
)
def test_the_kinds_of_a_word_are_known_beforehand(family, word, kinds):
    assert kinds_at(family, word) == kinds
