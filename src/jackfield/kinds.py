"""The neutral kinds of events as one table: what each means, whichever vendor it came from.

A kind is ``<entity>.<past participle or state>``. The CSTA column is the event of the standard
ECMA-269 that says the same, empty where the standard has none. Which vendor event becomes which
kind is each provider's own table; `unmapped_kind` names what no table knows.

Three traps that the table avoids. CSTA's *Delivered* means ringing at a device, while qubicle's
*delivered* means that the agent has the contact (CSTA Established): the bare word is not a kind. A
qubicle *session* is a contact, not a connection. A qubicle recipient's *create* and *delete* are
log-on and log-off.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["ENTITIES", "KINDS", "KIND_NAMES", "UNMAPPED", "Kind", "causal_rank", "unmapped_kind"]

UNMAPPED = "unmapped"
"""The entity of events that a provider has no kind for; their payload passes through whole."""


class Kind(NamedTuple):
    """One neutral kind of event."""

    name: str
    """Two words with a dot between."""
    meaning: str
    """What has happened, in one line."""
    csta: str = ""
    """The event of ECMA-269 that means the same; empty where there is none."""

    @property
    def entity(self) -> str:
        """The word before the dot: whom the event is about."""
        return self.name.partition(".")[0]


KINDS: tuple[Kind, ...] = (
    # call: one leg or connection
    Kind("call.initiated", "a call exists", "Offered (inbound), Originated (outbound)"),
    Kind("call.originated", "an outbound call is being dialled", "Originated"),
    Kind("call.alerting", "the called device rings", "Delivered"),
    Kind("call.connected", "the call is answered", "Established"),
    Kind("call.bridged", "two legs of the call hear each other", "Established"),
    Kind("call.unbridged", "the legs no longer hear each other"),
    Kind("call.held", "the call is on hold", "Held"),
    Kind("call.retrieved", "the call is taken off hold", "Retrieved"),
    Kind("call.transferred", "the call was transferred", "Transferred"),
    Kind("call.parked", "the call waits in a parking slot", "Diverted"),
    Kind("call.unparked", "somebody fetched the call from its parking slot", "Retrieved"),
    Kind("call.digit_received", "a digit was dialled during the call", "DigitsDialed"),
    Kind("call.clearing", "the call is being taken down"),
    Kind("call.cleared", "the call is over", "CallCleared"),
    Kind("call.failed", "the call is over and was never answered: busy, no answer, failed", "Failed"),
    Kind("call.updated", "something else about the call changed", "CallInformation"),
    Kind("call.deleted", "the vendor deleted its record of the call"),
    # call_group: several legs rung together
    Kind("call_group.created", "several devices are being called together"),
    Kind("call_group.connected", "one leg of the group is answered"),
    Kind("call_group.cleared", "the group is over"),
    Kind("call_group.deleted", "the vendor deleted its record of the group"),
    # contact: one customer interaction that is queued and handled
    Kind("contact.created", "a customer interaction begins", "Offered"),
    Kind("contact.updated", "something about the contact became known or changed"),
    Kind("contact.queued", "the contact waits in a queue", "Queued"),
    Kind("contact.dequeued", "the contact left a queue, not by hanging up", "Diverted"),
    Kind("contact.routed", "the queue has assigned the contact to an agent", "Diverted"),
    Kind("contact.connected", "an agent has the contact", "Established"),
    Kind("contact.disconnected", "the agent no longer has the contact", "ConnectionCleared"),
    Kind("contact.abandoned", "the customer gave up waiting", "ConnectionCleared after Queued"),
    Kind("contact.ended", "the interaction is over", "CallCleared"),
    Kind("contact.deleted", "the vendor deleted its record of the contact"),
    Kind("contact.disposition_started", "the window for outcome and notes opens"),
    Kind("contact.disposition_completed", "the window for outcome and notes closes"),
    # offer: a contact presented to an agent
    Kind("offer.created", "a contact rings at an agent", "Delivered"),
    Kind("offer.rejected", "the agent declined the contact", "Diverted"),
    Kind("offer.rescinded", "the contact is no longer offered to the agent", "ConnectionCleared"),
    # queue
    Kind("queue.started", "the queue accepts contacts", "BackInService"),
    Kind("queue.updated", "the queue's settings changed"),
    Kind("queue.stopped", "the queue accepts no more contacts", "OutOfService"),
    Kind("queue.snapshot", "the queue's state at this moment"),
    # agent
    Kind("agent.ready", "the agent is ready for contacts", "AgentReady"),
    Kind("agent.not_ready", "the agent is not ready for contacts", "AgentNotReady"),
    Kind("agent.busy", "the agent handles something", "AgentBusy"),
    Kind("agent.reserved", "a contact is on its way to the agent"),
    Kind("agent.logged_on", "the agent is at work", "AgentLoggedOn"),
    Kind("agent.logged_off", "the agent has left", "AgentLoggedOff"),
    Kind("agent.queue_paused", "the agent is not ready for contacts of one queue", "AgentNotReady (of one group)"),
    Kind("agent.queue_resumed", "the agent is ready for contacts of one queue again", "AgentReady (of one group)"),
    Kind("agent.wrapup_started", "the agent works after the contact", "AgentWorkingAfterCall"),
    Kind("agent.wrapup_ended", "the agent's work after the contact is over", "AgentReady"),
    Kind("agent.external_call_started", "the agent makes a call outside every queue", "Originated"),
    Kind("agent.external_call_ended", "the agent's call outside every queue is over", "ConnectionCleared"),
    Kind("agent.snapshot", "the agent's state at this moment"),
    Kind("agent.created", "the agent's account exists"),
    Kind("agent.updated", "the agent's account changed"),
    Kind("agent.deleted", "the agent's account is gone"),
    # supervision: somebody listens in
    Kind("supervision.started", "a supervisor listens to an agent", "Conferenced"),
    Kind("supervision.ended", "the supervisor no longer listens", "ConnectionCleared"),
    Kind("supervision.failed", "the supervisor could not listen", "Failed"),
    # message: text, not voice
    Kind("message.received", "a customer's message came in"),
    Kind("message.sent", "a message to a customer went out"),
    Kind("message.delivery_updated", "how far a sent message has come"),
    Kind("message.deleted", "the vendor deleted its record of the message"),
    # conversation: messages with one customer, of any text channel
    Kind("conversation.started", "a conversation exists"),
    Kind("conversation.updated", "the conversation changed"),
    Kind("conversation.ended", "the conversation is over"),
    # chat: messages among agents and participants
    Kind("chat.created", "a chat exists"),
    Kind("chat.updated", "the chat changed"),
    Kind("chat.deleted", "the chat is gone"),
    Kind("chat.participant_added", "somebody joined the chat"),
    Kind("chat.participant_removed", "somebody left the chat"),
    Kind("chat.message_posted", "a participant wrote a message"),
    Kind("chat.reaction_updated", "the reactions to a message changed"),
    Kind("chat.message_deleted", "a message of the chat is gone"),
    # ai_call: a conversation of a customer with a machine
    Kind("ai_call.initiated", "an AI call exists"),
    Kind("ai_call.connected", "the AI answers"),
    Kind("ai_call.paused", "the AI is silent for a time"),
    Kind("ai_call.resumed", "the AI answers again"),
    Kind("ai_call.clearing", "the AI call is being taken down"),
    Kind("ai_call.cleared", "the AI call is over"),
    Kind("ai_call.message_completed", "one message of the AI call, whole"),
    Kind("ai_call.message_progressed", "a part of a message that is still being written"),
    # summary: a text that sums up a call, a conference, a recording
    Kind("summary.created", "a summary exists"),
    Kind("summary.updated", "the summary changed"),
    Kind("summary.deleted", "the summary is gone"),
    # flow: a script that the vendor runs for a call
    Kind("flow.started", "a flow runs"),
    Kind("flow.step_executed", "the flow executed one step"),
    Kind("flow.completed", "the flow is over"),
    Kind("flow.deleted", "the vendor deleted its record of the flow"),
    # conference
    Kind("conference.started", "a conference exists", "Conferenced"),
    Kind("conference.updated", "the conference changed"),
    Kind("conference.ended", "the conference is over", "CallCleared"),
    Kind("conference.participant_joined", "somebody joined the conference", "Conferenced"),
    Kind("conference.participant_left", "somebody left the conference", "ConnectionCleared"),
    # recording
    Kind("recording.started", "a recording runs", "Record"),
    Kind("recording.completed", "the recording is over", "Stop"),
    # transcription
    Kind("transcription.started", "speech is being transcribed"),
    Kind("transcription.progressed", "the transcription goes on"),
    Kind("transcription.completed", "the transcription is over"),
    Kind("transcription.speech_started", "somebody began to speak", "SpeechDetected"),
    Kind("transcription.speech_interim", "what was understood so far"),
    Kind("transcription.speech_ended", "somebody stopped speaking"),
    Kind("transcription.segment_completed", "one passage, as finally understood"),
    # campaign
    Kind("campaign.started", "the campaign calls people"),
    Kind("campaign.stopping", "the campaign makes no new calls"),
    Kind("campaign.stopped", "the campaign stands still"),
    Kind("campaign.created", "the campaign exists"),
    Kind("campaign.updated", "the campaign changed"),
    Kind("campaign.deleted", "the campaign is gone"),
    # number
    Kind("number.provisioned", "a telephone number is ours"),
    Kind("number.updated", "the number's settings changed"),
    Kind("number.released", "the number is no longer ours"),
    # plain resources of a vendor: they exist, change, and are gone
    Kind("ai.created", "an AI assistant exists"),
    Kind("ai.updated", "the AI assistant changed"),
    Kind("ai.deleted", "the AI assistant is gone"),
    Kind("team.created", "a team exists"),
    Kind("team.updated", "the team changed"),
    Kind("team.deleted", "the team is gone"),
    Kind("outdial.created", "a list of numbers to dial exists"),
    Kind("outdial.updated", "the list of numbers to dial changed"),
    Kind("outdial.deleted", "the list of numbers to dial is gone"),
    Kind("campaign_call.created", "a campaign's attempt at one number exists"),
    Kind("campaign_call.updated", "the campaign's attempt at one number changed"),
    Kind("campaign_call.deleted", "the campaign's attempt at one number is gone"),
    Kind("account.created", "a messaging account exists"),
    Kind("account.updated", "the messaging account changed"),
    Kind("account.deleted", "the messaging account is gone"),
    # stream: about our own connection
    Kind("stream.connected", "a feed's connection is up"),
    Kind("stream.disconnected", "a feed's connection is down"),
    Kind("stream.subscribed", "the feed's subscriptions are active"),
    Kind("stream.subscription_refused", "the vendor does not serve one subscription"),
    Kind("stream.gap_suspected", "events may have been missed between two moments"),
    Kind("stream.not_verified", "nobody could know whether events were missed between two moments"),
    Kind("stream.synced", "the feed's calls, contacts and agents as its vendor lists them now"),
    Kind("stream.backfilled", "a gap was filled as far as the vendor allows"),
    Kind("stream.dropped", "a served client was too slow, and events up to a position were not sent to it"),
)

# A contact's life and its call's, as one follows from the other; those in one row are alternatives or simultaneous.
_CAUSAL_ORDER: tuple[tuple[str, ...], ...] = (
    ("call.initiated", "call.originated"),
    ("call.alerting",),
    ("contact.created",),
    ("contact.queued",),
    ("offer.created",),
    ("offer.rejected", "offer.rescinded"),
    ("call.connected",),
    ("contact.routed",),
    ("call.bridged", "contact.connected"),
    (),  # everything else
    ("contact.dequeued", "contact.abandoned"),
    ("contact.disconnected",),
    ("call.cleared", "call.failed"),
    ("contact.ended",),
    ("contact.deleted", "call.deleted"),
    ("agent.wrapup_started", "contact.disposition_started"),
    ("contact.disposition_completed",),
    ("agent.wrapup_ended",),
)
_RANKS = {kind: rank for rank, kinds in enumerate(_CAUSAL_ORDER) for kind in kinds}
_ANY_RANK = _CAUSAL_ORDER.index(())


def causal_rank(kind: str) -> int:
    """Where a kind comes among events of one contact that bear the same time: the lower the rank, the earlier.

    Some vendors' clocks tick in seconds, and their events come in any order within one.
    """
    return _RANKS.get(kind, _ANY_RANK)


KIND_NAMES = frozenset(kind.name for kind in KINDS)
"""The names of all kinds; `unmapped_kind` makes the others, and plugins may register some of their own."""

ENTITIES = frozenset({UNMAPPED, *(kind.entity for kind in KINDS)})
"""The words before the dot; a plugin's own kinds have others."""

_NO_WORD = re.compile(r"[^a-z0-9_]+")


def unmapped_kind(resource: str) -> str:
    """The kind of an event that no table knows: ``unmapped.<resource>``.

    Selectors know lower-case letters, digits and ``_`` only, so other characters become ``_``;
    ``unmapped.unknown`` where nothing names the resource.
    """
    return f"{UNMAPPED}.{_NO_WORD.sub('_', resource.lower()).strip('_') or 'unknown'}"


def explain_unknown(entity: str | None, word: str | None, own: Iterable[str] = ()) -> str:
    """A sentence that says that there is no such kind or entity, and which was probably meant; empty where there is.

    `own` are the names of kinds that plugins have registered. A provider may have others, so a selector that names an
    unknown one is doubtful and not wrong.
    """
    if entity in (None, UNMAPPED):
        return ""
    names = KIND_NAMES.union(own)
    if word is None:
        asked, known = entity, sorted({name.partition(".")[0] for name in names})
    else:
        asked, known = f"{entity}.{word}", sorted(names)
    if asked in known:
        return ""
    near = difflib.get_close_matches(asked, known, n=1)
    return f"there is no kind {asked}" + (f"; did you mean {near[0]}?" if near else "")
