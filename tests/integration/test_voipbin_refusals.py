"""A topic for which VoIPBIN cuts the line, through session, protocol and simulated platform, on virtual time."""

import random
from functools import partial

import pytest
import trio

from jackfield._feed.session import Session
from jackfield._net.http_client import drive
from jackfield.config import Feed
from jackfield.plugin.secrets import Secret
from jackfield.plugin.simulator import CloseConnection
from jackfield.reports import FeedState, FeedStateChanged, TopicRefused
from jackfield.simulation._listener import ClientGone
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator
from jackfield_voipbin.spellings import spellings

CALLS, QUEUES, AGENTS = (f"customer_id:{CUSTOMER}:{each}:*" for each in ("call", "queuecall", "agent"))


class Platform:
    """The simulated platform on whatever lines come in."""

    def __init__(self, **options):
        self.simulator = VoipbinSimulator("s3cret", profile="head", **options)
        self.clients = []
        self.accepted = []

    async def __call__(self, incoming):
        if (refusal := self.simulator.admit(incoming.target, incoming.headers)) is not None:
            await incoming.reject(refusal)
            return
        line = await incoming.accept()
        self.accepted.append(trio.current_time())
        client = self.simulator.client()
        self.clients.append(client)
        while True:
            for answer in client.received(await line.receive()):
                assert answer == CloseConnection()
                await line.close(answer)
                raise ClientGone

    async def rest(self, exchange):
        async def send(request):
            await trio.lowlevel.checkpoint()
            return self.simulator.answer(request)

        return await drive(exchange, send)


@pytest.fixture
async def stage(network, nursery):
    async def start(topics, **options):
        platform = network.handler = Platform(**options)
        reports = []
        session = Session(
            Feed("office", "voipbin", Voipbin(Secret("text", "s3cret"), CUSTOMER, "ws://x/v1.0/ws")),
            lambda events: None,
            reports.append,
            random.Random(1),
            opener=network.open,
            rest=partial(platform.rest),
        )
        session.wanted.set(topics)
        nursery.start_soon(session.run)
        return platform, session, reports

    return start


async def test_the_topic_that_cuts_the_line_is_found_and_the_others_live_on(stage, autojump_clock):
    platform, session, reports = await stage([CALLS, QUEUES, AGENTS], refuse_topics=f"customer_id:{CUSTOMER}:queuecall")
    await trio.sleep(120)
    assert {report.topic for report in reports if isinstance(report, TopicRefused)} == {QUEUES}
    assert session.stats.state is FeedState.SUBSCRIBED
    assert session.stats.topics == {CALLS, AGENTS}
    assert set(platform.clients[-1].patterns) == {text for topic in (CALLS, AGENTS) for text in spellings(topic)}
    connections = len(platform.accepted)
    assert connections <= 6
    await trio.sleep(3600)
    assert len(platform.accepted) == connections
    session.stop()


async def test_a_line_that_is_cut_for_no_reason_costs_no_subscription(stage, network, autojump_clock):
    platform, session, reports = await stage([CALLS, QUEUES])
    await trio.sleep(0.5)
    await network.streams[-1].aclose()
    await trio.sleep(60)
    assert [report for report in reports if isinstance(report, TopicRefused)] == []
    assert session.stats.topics == {CALLS, QUEUES}
    assert len(platform.accepted) == 2
    session.stop()


@pytest.mark.parametrize("admission", ["expired", "delegate"])
async def test_a_handshake_that_is_turned_down_is_not_tried_in_a_hurry(stage, admission, autojump_clock):
    platform, session, reports = await stage([CALLS], admission=admission)
    await trio.sleep(150)
    tried = [
        report for report in reports if isinstance(report, FeedStateChanged) and report.state is FeedState.CONNECTING
    ]
    assert 3 <= len(tried) <= 25
    platform.simulator.admission = "valid"
    await trio.sleep(40)
    assert session.stats.topics == {CALLS}
    session.stop()
