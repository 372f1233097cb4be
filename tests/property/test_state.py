"""The state is the same whatever the order of the events and however often each comes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.addresses import Address
from jackfield.events import NO_PARTIES, Event, Parties
from jackfield.kinds import KINDS
from jackfield.state import State
from jackfield.state.lives import LIVES, UNKNOWN

START = datetime(2026, 11, 26, 23, 59, tzinfo=UTC)  # a day's last minute
ENTITIES = ("call", "contact", "offer", "agent", "queue")
KIND_NAMES = [kind.name for kind in KINDS if kind.entity in ENTITIES and kind.name != "agent.deleted"]

parties = st.one_of(
    st.just(NO_PARTIES),
    st.builds(
        Parties,
        caller=st.sampled_from(["", "+491", "+492"]),
        agent_id=st.sampled_from(["", "a1", "a2"]),
        agent_name=st.sampled_from(["", "alice", "bob"]),
        queue_id=st.sampled_from(["", "q1", "q2"]),
        queue_name=st.sampled_from(["", "Sales", "Support"]),
    ),
)


@st.composite
def events(draw):
    kind = draw(st.sampled_from(KIND_NAMES))
    entity, _, word = kind.partition(".")
    id = draw(st.sampled_from({"agent": ["a1", "a2"], "queue": ["q1", "q2"]}.get(entity, ["x1", "x2", "x3"])))
    at = START + timedelta(seconds=draw(st.integers(0, 120)))
    correlation = draw(st.sampled_from([None, "x1", "x2"])) if entity in ("call", "agent") else id
    feed = draw(st.sampled_from(["one", "two"]))
    address = Address("acme", "account", "A", entity, id, word)
    return Event("", kind, address, at, START + timedelta(minutes=5), feed, correlation, parties=draw(parties))


def reduced(happened):
    state = State()
    for event in happened:
        state.apply(event)
    return state.snapshot(START + timedelta(minutes=2))


# A call keeps its contact: which of two it belongs to is not a question of order.
def one_contact_each(happened):
    homes = {}
    return [
        event
        for event in happened
        if not event.kind.startswith("call.")
        or homes.setdefault(event.address.resource_id, event.correlation) == event.correlation
    ]


@given(st.data())
def test_order_and_copies_do_not_matter(data):
    happened = one_contact_each(data.draw(st.lists(events(), max_size=24)))
    again = data.draw(st.permutations(happened + happened[: len(happened) // 2]))
    assert reduced(happened) == reduced(again)


@given(st.lists(events(), max_size=40))
def test_sums_are_what_the_contacts_say(happened):
    snapshot = reduced(happened)
    waiting = {}
    for contact in snapshot.contacts.values():
        if contact.waits and contact.queue:
            waiting[contact.queue] = waiting.get(contact.queue, 0) + 1
    assert {key: queue.waiting for key, queue in snapshot.queues.items() if queue.waiting} == waiting
    today = [each for each in snapshot.contacts.values() if (each.queued_at or each.began).date() == snapshot.day]
    everything = snapshot.totals.get("")
    if everything is not None:
        assert everything.queued == sum(each.queued_at is not None for each in today)
        assert everything.answered == sum(each.connected_at is not None for each in today)
        assert everything.ended == sum(each.over for each in today)


@settings(max_examples=10)
@given(st.lists(events(), max_size=200))
def test_states_are_the_tables(happened):
    snapshot = reduced(happened)
    for entity, things in (("call", snapshot.calls), ("contact", snapshot.contacts), ("agent", snapshot.agents)):
        assert {each.state for each in things.values()} <= {UNKNOWN, *LIVES[entity].states}
