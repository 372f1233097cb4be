"""One contact's story, from its session's beginning to the wrap-up, by its correlation, out of all three families."""

import json
from collections import defaultdict

import pytest


def timelines(conversation):
    seen = defaultdict(list)
    for event in conversation.events:
        if event.correlation:
            seen[event.correlation].append(event)
    return seen


def words(events):
    return [f"{event.address.resource}.{event.address.event}" for event in events]


def without(*names):
    """Makes frames of those that come, as a server would send that does not say so much."""

    def mangle(frames):
        for frame in frames:
            message = json.loads(frame)
            if message["data"]["event_category"] == "qubicle-session":
                yield frame
                continue
            for name in names:
                message["data"].pop(name, None)
            yield json.dumps(message)

    return mangle


def expected(words_reported):
    """What a whole visit must hold, in this order where the order is sure."""
    assert words_reported[0] == "session.create"
    order = [words_reported.index(word) for word in ("session.create", "queue.join", "recipient.offer")]
    order.append(words_reported.index("recipient.delivered"))
    order += [words_reported.index(word) for word in ("recipient.hangup", "recipient.wrapup_start")]
    assert order == sorted(order)
    assert words_reported[-1] == "recipient.wrapup_complete"
    for word in ("queue.delivered", "queue.leave", "session.delete", "recipient.interaction_finalize_end"):
        assert words_reported.count(word) == 1


@pytest.mark.parametrize(
    "hidden",
    [
        ("session_id", "queue_id"),
        *(pytest.param(each, marks=pytest.mark.thorough) for each in ((), ("session_id",), ("call_id",))),
        pytest.param(("caller_id_name", "state"), marks=pytest.mark.thorough),
    ],
    ids=lambda hidden: "without " + " ".join(hidden) if hidden else "whole",
)
def test_a_contacts_story_is_one_and_in_order_whichever_families_its_events_are_of(talk, server, hidden):
    conversation = talk(**server).connect(*talk.families)
    conversation.mangle = without(*hidden)
    conversation.happen(900)
    whole = [
        events
        for events in timelines(conversation).values()
        if {"recipient.wrapup_complete", "session.delete"} <= set(words(events))
    ]
    assert len(whole) > 15
    for events in whole:
        expected(words(events))
        times = [event.time for event in events]
        assert times == sorted(times)


def test_an_event_that_names_neither_session_nor_call_still_belongs_to_the_contact_that_its_recipient_has(talk, server):
    conversation = talk(**server).connect(*talk.families)

    def mangle(frames):
        for frame in frames:
            message = json.loads(frame)
            data = message["data"]
            if data["event_name"] not in ("create", "join", "offer", "leave"):
                for name in ("session_id", "call_id"):
                    data.pop(name, None)
            yield json.dumps(message)

    conversation.mangle = mangle
    conversation.happen(900)
    about_contacts = ("contact.connected", "contact.disconnected", "agent.wrapup_started", "agent.wrapup_ended")
    seen = [event for event in conversation.events if event.kind in about_contacts]
    assert len(seen) > 60
    assert all(event.correlation for event in seen)
    by_event = {event.id: event.correlation for event in conversation.events}

    named = talk(**server).connect(*talk.families)
    named.happen(900)
    assert {event.id: event.correlation for event in named.events if event.kind in about_contacts} == {
        event.id: by_event[event.id] for event in named.events if event.kind in about_contacts
    }


def test_what_concerns_no_contact_has_no_correlation(talk, server):
    conversation = talk(**server).connect(*talk.families)
    conversation.happen(900)
    for event in conversation.events:
        if event.kind in ("agent.ready", "agent.not_ready", "agent.snapshot", "queue.snapshot", "queue.started"):
            assert event.correlation is None


def test_the_story_goes_on_over_a_lost_connection(talk, server):
    conversation = talk(**server).connect(*talk.families)
    conversation.happen(100)
    conversation.connect(*talk.families)
    conversation.mangle = without("session_id")
    conversation.happen(20)
    earlier = {event.correlation for event in conversation.events[:100]}
    later = {event.correlation for event in conversation.events[100:]} - {None}
    assert later & earlier
    assert not any("@" in correlation for correlation in later)
