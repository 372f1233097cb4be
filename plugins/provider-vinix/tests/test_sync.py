"""`jackfield_vinix.sync`: what Vinix lists of the state, in neutral words."""

from datetime import UTC, datetime

import pytest

from jackfield.plugin.http import Response
from jackfield.plugin.secrets import Secret
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator


def synced(simulator):
    """What the provider makes of the simulated server's lists."""
    provider = Vinix(
        url="ws://localhost:1",
        auth_token=Secret("text", "t"),
        account_id=ACCOUNT,
        rest_url="http://localhost:1/v2",
    )
    flow = provider.authenticate()
    try:
        while True:
            next(flow)
    except StopIteration as done:
        account = done.value
    flow = account.sync()
    try:
        request = next(flow)
        while True:
            request = flow.send(simulator.answer(request))
    except StopIteration as done:
        return done.value


def day(events, **options):
    simulator = VinixSimulator("t", calls=False, inversions=0.0, **options)
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for _, _event in zip(range(events), simulator.events(lambda: now), strict=False):
        pass
    return simulator


@pytest.mark.parametrize("events", [5, 60, 90, 137])
def test_everybody_and_everything_that_is_there_is_listed(events):
    simulator = day(events)
    sync = synced(simulator)
    agents = {each.id: each for each in sync.listed if each.kind.startswith("agent.")}
    assert agents.keys() == simulator._writer.state.recipients.keys()
    assert sync.complete == {"agent", "queue", "contact"}
    assert {each.parties.queue_name for each in sync.listed if each.kind == "queue.updated"} == {"Support", "Sales"}
    assert {each.parties.queue_id for each in sync.listed if each.kind == "queue.updated"} == set(
        simulator._writer.state.queues
    )
    assert all(
        "-" not in each.id and each.correlation in ("", each.id) for each in sync.listed if "contact" in each.kind
    )


def test_agents_have_names_where_the_server_lists_them():
    listed = synced(day(60, naming="kazoo")).listed
    assert {each.parties.agent_name for each in listed if each.kind.startswith("agent.")} == {"alice", "bob", "carol"}


def test_without_rest_nothing_is_listed_and_nothing_is_complete():
    provider = Vinix(url="ws://localhost:1", auth_token=Secret("text", "t"), account_id=ACCOUNT)
    (flow,) = [provider._as_configured.sync()]
    with pytest.raises(StopIteration) as done:
        next(flow)
    assert (done.value.value.listed, done.value.value.complete) == ((), frozenset())


def test_a_server_that_lists_nobody_who_waits_leaves_contacts_unknown():
    class Silent:
        def __init__(self, simulator):
            self.simulator = simulator

        def answer(self, request):
            return Response(404) if "/sessions" in request.url else self.simulator.answer(request)

    assert synced(Silent(day(90))).complete == {"agent", "queue"}
