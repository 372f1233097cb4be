"""The same day at both vendors: each contact has the same life, and none contradicts the table of lives."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import is_thorough

from jackfield.plugin.protocol import Emit
from jackfield.plugin.secrets import Secret
from jackfield.state import State
from jackfield.state.lives import contradictions
from jackfield.testing._provider_declaration import AT, simulated_frames
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

TOKEN = Secret("text", "tok")
VOIPBIN = Voipbin(token=TOKEN, customer_id=CUSTOMER)
VINIX = Vinix(url="wss://gateway.example:5555", auth_token=TOKEN, account_id=ACCOUNT)
COUNTED = ("contact.queued", "offer.created", "contact.connected", "contact.abandoned")
DAY = 300
"""Frames of each vendor's."""
EXAMPLES = settings(max_examples=1000 if is_thorough() else 5)


def seen(provider, simulator):
    """The events of one vendor's day."""
    protocol = provider.protocol("feed")
    frames = simulated_frames(provider, simulator, DAY)
    return [each.event for frame in frames for each in protocol.received(frame, AT) if isinstance(each, Emit)]


def lives(events):
    """By the caller's number: what happened to a contact that is over, counted, and how often it came to its end."""
    state = State()
    ends, over = Counter(), set()
    for event in events:
        for ref in state.apply(event):
            if ref[0] == "contact" and state.get(ref).over != (ref in over):
                over ^= {ref}
                ends[ref[1]] += ref in over
    snapshot = state.snapshot(AT)
    callers = {call.contact: call.caller for call in snapshot.calls.values()}
    counts = {}
    for event in events:
        counts.setdefault(event.correlation, Counter())[event.kind] += 1
    return {
        contact.caller or callers.get(contact.key): ([counts[contact.id][kind] for kind in COUNTED], ends[contact.key])
        for contact in snapshot.contacts.values()
        if contact.over
    }


@pytest.mark.parametrize("profile", ["documented", "head", "2026-10"])
@EXAMPLES
@given(seed=st.integers(0, 10**6))
def test_the_same_day_gives_each_contact_the_same_life(profile, seed):
    voipbin = seen(VOIPBIN, VoipbinSimulator("tok", seed=seed, profile=profile))
    vinix = seen(VINIX, VinixSimulator("tok", seed=seed, accepts="documented"))
    assert [*contradictions(voipbin), *contradictions(vinix)] == []
    ours, theirs = lives(voipbin), lives(vinix)
    both = ours.keys() & theirs.keys()
    assert len(both) >= 3
    assert {caller: ours[caller] for caller in both} == {caller: theirs[caller] for caller in both}
    assert {ends for _, ends in [*ours.values(), *theirs.values()]} == {1}
