"""`jackfield_voipbin.backfill` and `listing`: what REST says, against the simulated platform in each profile."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.errors import RestError
from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Emit, GapSuspected, Ignore, Send
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import WebhookRequest
from jackfield_voipbin import Voipbin
from jackfield_voipbin import listing as listing_module
from jackfield_voipbin.credentials import read_credential
from jackfield_voipbin.listing import histories, lists
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.simulator import CUSTOMER, PROFILES, VoipbinSimulator
from jackfield_voipbin.times import last_change
from jackfield_voipbin.tokens import make_token

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = f"customer_id:{CUSTOMER}:*:*"
ADMIN = make_token(CUSTOMER)


class Stage:
    """A protocol and the simulated platform, without sockets and with a clock of our own."""

    def __init__(self, profile, *, token=ADMIN, step=0.2, **options):
        self.now = START
        self.step = timedelta(seconds=step)
        self.simulator = VoipbinSimulator(token, profile=profile, **options)
        self.day = self.simulator.events(self.clock)
        self.feed = Voipbin(Secret("text", token), CUSTOMER, "ws://x/v1.0/ws")
        self.protocol = None
        self.seen = []
        """Events that were emitted, live and by REST."""
        self.missed = []
        """Events that happened and did not come."""

    def clock(self):
        self.now += self.step
        return self.now

    def connect(self, *topics):
        assert self.simulator.admit(f"/v1.0/ws?token={self.simulator.token}", {}) is None
        self.client = self.simulator.client()
        self.protocol = self.feed.protocol("office", self.protocol)
        for topic in topics or (EVERYTHING,):
            for action in self.protocol.subscribe(topic):
                if isinstance(action, Send):
                    for answer in self.client.received(action.frame):
                        self.protocol.received(answer.encode(), self.now)
        list(self.protocol.tick(self.now, 1.0))

    def happen(self, count, drop=lambda number: False):
        for number in range(count):
            event = next(self.day)
            if drop(number):
                self.missed.append(event)
                continue
            for frame in self.client.frames_for(event):
                self.act(self.protocol.received(frame.encode(), self.now))

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    def act(self, actions):
        actions = list(actions)
        self.seen += [action.event for action in actions if isinstance(action, Emit)]
        return actions

    def look(self, since=None, meanwhile=lambda: None):
        exchange = self.protocol.backfill(since, self.now)
        try:
            request = next(exchange)
            while True:
                answer = self.simulator.answer(request)
                meanwhile()
                request = exchange.send(answer)
        except StopIteration as done:
            return self.act(done.value)

    def backfilled(self):
        return [event for event in self.seen if event.origin == "backfill"]


def states(events):
    return {(event.data["id"], last_change(event.data)[0] or event.time) for event in events if "id" in event.data}


def listed(published):
    """What REST knows of what was published: resource and moment."""
    return [each for each in published if each.resource]


def in_order(events):
    """Whether no backfill gives an older state of a resource than one that came before."""
    newest = {}
    for event in events:
        if "id" in event.data:
            moment = last_change(event.data)[0] or event.time
            if event.origin == "backfill":
                assert moment >= newest.get(event.data["id"], moment)
            newest[event.data["id"]] = max(moment, newest.get(event.data["id"], moment))
    return True


@pytest.mark.parametrize("profile", PROFILES)
def test_what_happened_in_a_gap_is_reported_once_and_as_if_it_had_come(profile):
    stage = Stage(profile)
    stage.connect()
    stage.happen(150)
    gap = stage.now
    stage.happen(60, drop=lambda number: True)
    stage.wait(1)
    stage.connect()
    stage.look(gap)
    found = stage.backfilled()
    assert found
    assert in_order(stage.seen)
    last = {each.data["id"]: each for each in listed(stage.missed)}
    assert {json.dumps(each.data) for each in last.values()} <= {json.dumps(event.data) for event in found}
    assert len({event.id for event in found}) == len(found)
    assert not [action for action in stage.look(gap) if isinstance(action, Emit)]


@pytest.mark.parametrize("profile", PROFILES)
def test_what_came_by_webhook_instead_is_neither_lost_nor_reported_again(profile):
    stage = Stage(profile, webhook_uri="http://here/hook")
    webhook = attrs.evolve(stage.feed, receive="both", webhook_verify=False).webhook("office")
    stage.connect()
    stage.wait(30)
    stage.happen(60, drop=lambda number: True)
    for published in stage.missed:
        for delivery in stage.simulator.webhooks_of(published):
            request = delivery.request
            read = webhook.read(WebhookRequest("POST", "/", request.url, {}, request.body, stage.now))
            stage.protocol.came_by_webhook(read)
    stage.wait(60)
    actions = stage.look()
    assert listed(stage.missed)
    assert not [each for each in actions if isinstance(each, GapSuspected | Emit)]


def test_a_change_that_the_platform_publishes_no_event_of_is_no_loss():
    """It moves an agent's tm_update at a new name, and a recording's while it is being stopped."""
    stage = Stage("head")
    stage.connect()
    stage.happen(400)
    stage.wait(30)
    changes = {"agent": {"name": "Renamed"}, "recording": {"status": "stopping"}}
    for resource, change in changes.items():
        resource_id, data = next(reversed(stage.simulator._state._states[resource].items()))
        stamp = stage.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        stage.simulator._state._states[resource][resource_id] = data | change | {"tm_update": stamp}
    stage.wait(60)
    actions = stage.look()
    assert not [each for each in actions if isinstance(each, GapSuspected)]
    assert any(isinstance(each, Emit) for each in actions)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_copy_from_rest_has_the_id_of_the_live_one(profile):
    live, later = Stage(profile), Stage(profile)
    for stage in (live, later):
        stage.connect()
    live.happen(120)
    later.happen(120, drop=lambda number: True)
    later.wait(1)
    later.look(START)
    found = {event.id for event in later.backfilled()}
    assert states(later.backfilled())
    assert states(later.backfilled()) <= states(live.seen)
    if profile == "wrapped":  # else the websocket has other names, or none, and a state is known by its moment
        calls = {event.id for event in live.seen if event.address.resource == "call"}
        assert calls <= found <= {event.id for event in live.seen}


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=15)
@given(data=st.data())
def test_no_older_state_is_reported_after_a_newer_one_whatever_comes_meanwhile(profile, data):
    stage = Stage(profile, seed=data.draw(st.integers(1, 5)))
    stage.connect()
    stage.happen(40, drop=lambda number: data.draw(st.booleans()))
    stage.wait(data.draw(st.sampled_from([0, 1, 10])))

    def meanwhile():
        stage.happen(data.draw(st.integers(0, 3)), drop=lambda number: data.draw(st.booleans()))

    stage.look(data.draw(st.sampled_from([START, None])), meanwhile)
    assert in_order(stage.seen)
    stage.look(None)
    assert in_order(stage.seen)
    backfilled = [event.id for event in stage.backfilled()]
    assert len(set(backfilled)) == len(backfilled)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_was_dropped_is_found_or_announced(profile):
    stage = Stage(profile)
    stage.connect()
    stage.wait(20)
    announced = []
    for _ in range(5):
        stage.happen(60, drop=lambda number: number % 9 == 4)
        stage.wait(6)
        announced += [action for action in stage.look() if isinstance(action, GapSuspected)]
        stage.wait(1)
    known = states(stage.seen)
    for event in stage.missed:
        moment = datetime.fromisoformat(event.timestamp)
        found = "id" in event.data and (event.data["id"], moment) in known
        assert found or any(suspicion.since <= moment for suspicion in announced)
    assert announced
    assert all("REST knows of" in suspicion.reason for suspicion in announced)
    assert in_order(stage.seen)


@pytest.mark.parametrize("profile", PROFILES)
def test_where_everything_came_nothing_is_suspected(profile):
    stage = Stage(profile)
    stage.connect()
    stage.wait(20)
    for _ in range(3):
        stage.happen(60)
        stage.wait(6)
        assert [action for action in stage.look() if not isinstance(action, Ignore)] == []
    assert stage.backfilled() == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_subscription_that_the_server_ignores_is_noticed_and_said(profile):
    ignored, heard = (f"customer_id:{CUSTOMER}:{each}:*" for each in ("call", "message"))
    stage = Stage(profile, ignore_topics=f"customer_id:{CUSTOMER}:call,customer_id:{CUSTOMER}:webhook:call")
    stage.connect(ignored, heard)
    stage.wait(20)
    stage.happen(200)
    assert {event.address.resource for event in stage.seen} == {"message"}
    stage.wait(6)
    (suspicion,) = [action for action in stage.look() if isinstance(action, GapSuspected)]
    assert f"the server ignores the subscription to {ignored}" in suspicion.reason
    assert suspicion.since <= stage.now
    assert {event.address.resource for event in stage.backfilled()} == {"call"}


def test_without_permission_the_error_names_the_role():
    stage = Stage("head", token=make_token(CUSTOMER, permission=0x10, agent_id="a1"))
    stage.connect(EVERYTHING)
    stage.simulator.permission = 0x10
    stage.protocol._patterns[EVERYTHING] = stage.feed.dialect.describe(EVERYTHING)[0]
    stage.protocol._subscribing.since[EVERYTHING] = START
    with pytest.raises(RestError, match=r"PERMISSION_DENIED.*needs the role customer admin or manager"):
        stage.look(START)


# -- lists ---------------------------------------------------------------------------------------------


REST = Rest("http://x", read_credential("t"))


def drive(exchange, answer):
    """Perform with a function of the request; the requests, and the end."""
    requests = []
    try:
        request = next(exchange)
        while True:
            requests.append(request)
            request = exchange.send(answer(request))
    except StopIteration as done:
        return requests, done.value


def page(items):
    return Response(200, {}, json.dumps({"result": items, "next_page_token": "x"}).encode())


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(2, 7))
def test_every_resource_is_listed_once_however_many_have_one_moment(seconds, size):
    """Unless a whole page has one moment: then the platform's strict order hides the rest of it."""
    rows = sorted(
        ({"id": str(n), "tm_create": f"2026-01-01T00:00:{s:02d}Z"} for n, s in enumerate(seconds)),
        key=lambda row: row["tm_create"],
        reverse=True,
    )

    def answer(request):
        before = request.url.partition("page_token=")[2].replace("%3A", ":")
        return page([row for row in rows if not before or row["tm_create"][:19] + ".000000Z" < before][:size])

    original, listing_module.PAGE = listing_module.PAGE, size
    try:
        _, catch = drive(lists(REST, ["agent"], START), answer)
    finally:
        listing_module.PAGE = original
    found = [each.data["id"] for each in catch.found]
    assert len(set(found)) == len(found)
    if all(seconds.count(second) < size for second in seconds) and not catch.unread:
        assert set(found) == {row["id"] for row in rows}


def test_a_list_ends_where_it_reaches_back_far_enough_and_else_says_that_it_goes_on(monkeypatch):
    monkeypatch.setattr(listing_module, "PAGE", 1)
    moments = iter(range(1, 10_000))

    def answer(request):
        moment = START - timedelta(minutes=next(moments))
        return page([{"id": moment.isoformat(), "tm_create": moment.isoformat()}])

    requests, catch = drive(lists(REST, ["call"], START + timedelta(minutes=55)), answer)
    assert (len(requests), catch.unread) == (6, [])
    requests, catch = drive(lists(REST, ["agent"], START), answer)
    assert len(requests) == listing_module.MOST_PAGES
    assert catch.unread == ["the list of agents is longer than 20 pages: its older part was not read"]


def test_a_list_that_a_server_lacks_is_left_out_unless_it_lacks_them_all():
    def answer(request):
        return page([{"id": "1"}]) if "/calls" in request.url else Response(404)

    _, catch = drive(lists(REST, ["call", "email"], START), answer)
    assert ([each.data for each in catch.found], catch.missing) == ([{"id": "1"}], ["the server has no list of emails"])
    with pytest.raises(RestError, match="HTTP 404"):
        drive(lists(REST, ["email"], START), answer)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"result":5}', b"oops", b'{"result":[}', b"\xff"])
def test_an_answer_that_is_no_list_is_an_error(body):
    with pytest.raises(RestError, match=r"not a list|not valid JSON"):
        drive(lists(REST, ["call"], START), lambda request: Response(200, {}, body))


def test_items_that_are_none_are_left_out_and_numbers_keep_their_digits():
    body = b'{"result":[1,null,{},{"id":5},{"id":"c1","x":1.10,"big":12345678901234567890123}]}'
    _, catch = drive(lists(REST, ["call"], START), lambda request: Response(200, {}, body))
    (found,) = catch.found
    assert found.text == b'{"id":"c1","x":1.10,"big":12345678901234567890123}'
    _, empty = drive(lists(REST, ["call"], START), lambda request: Response(200, {}, b'{"result":null}'))
    assert empty.found == []


def test_histories_are_asked_for_one_by_one_and_not_too_many_at_once():
    items = [{"event_type": "call_hangup", "data": {"id": "c"}}, {"event_type": ""}, 5, {"event_type": "x", "data": 1}]
    wanted = [("call", str(number)) for number in range(listing_module.MOST_HISTORIES + 1)]
    requests, (catch, done) = drive(histories(REST, wanted), lambda request: page(items))
    assert requests[0].url == "http://x/v1.0/timelines/calls/0/events?page_size=1000"
    assert len(requests) == len(catch.found) == len(done) == listing_module.MOST_HISTORIES
    assert catch.unread == ["more than 100 resources have a history to be read: the older ones wait"]
    _, (catch, done) = drive(histories(REST, [("call", "1")]), lambda request: Response(404))
    assert (done, catch.missing) == ([], ["the server has no history of a call"])


def test_a_transcriptions_sentences_are_a_list_of_their_own():
    requests, (catch, _) = drive(histories(REST, [("transcribe", "t1")]), lambda request: page([{"id": "s1"}]))
    assert requests[0].url == "http://x/v1.0/transcripts?page_size=100&transcribe_id=t1"
    assert catch.found[0].resource == "transcript"


def test_a_query_may_come_before_the_first_tick():
    feed = Voipbin(Secret("text", ADMIN), CUSTOMER, "ws://x/v1.0/ws")
    protocol = feed.protocol("office")
    list(protocol.subscribe(f"customer_id:{CUSTOMER}:call:*"))
    request = next(protocol.backfill(START - timedelta(minutes=1), START))
    assert "/v1.0/calls" in request.url


@pytest.mark.parametrize("body", [b"", b"[]", b'{"result":5}', b'{"result":[{"id":"\xff"}]}'])
def test_an_answer_that_is_no_list_says_which_list(body):
    asking = lists(Rest("http://x", read_credential(ADMIN)), ["call"], START)
    next(asking)
    with pytest.raises(RestError, match=r"GET /v1.0/calls: the answer is not a list: "):
        asking.send(Response(200, {}, body))


def test_an_agents_own_feed_fills_its_gaps_from_the_agents_own_lists():
    agent_id = "6a93f71e-f542-11ee-9a48-7f8e36c7d5a0"
    token = make_token(CUSTOMER, permission=0x10, agent_id=agent_id)
    stage = Stage("2026-10", token=token)
    topic = f"agent_id:{agent_id}:call:*"
    stage.connect(topic)
    stage.wait(20)
    stage.happen(300, drop=lambda number: True)
    calls = [each for each in stage.missed if each.event_type == "call_hangup"]
    for each in calls[::2]:
        each.data["owner_id"] = agent_id
    stage.wait(6)
    actions = stage.look(START)
    found = stage.backfilled()
    assert {event.data["id"] for event in found} == {each.data["id"] for each in calls[::2]}
    assert {(event.address.scope, event.address.scope_id) for event in found} == {("agent", agent_id)}
    assert {event.kind for event in found} == {"call.cleared"}
    assert [action for action in actions if isinstance(action, GapSuspected)]
    assert not [action for action in stage.look(None) if isinstance(action, Emit)]


SAID = ("conversation_message_created", "aimessage_created", "transcript_created")


def test_what_was_said_in_conversations_and_calls_of_ai_is_found_by_rest():
    stage = Stage("2026-10", step=0.05)
    stage.connect()
    stage.happen(500)
    gap = stage.now
    for _ in range(500):
        event = next(stage.day)
        if event.event_type in (*SAID, "summary_created"):
            stage.missed.append(event)
        else:
            for frame in stage.client.frames_for(event):
                stage.act(stage.protocol.received(frame.encode(), stage.now))
    stage.wait(10)
    stage.look(gap)
    missed = {name: {each.data["id"] for each in stage.missed if each.event_type == name} for name in SAID}
    assert all(missed.values())
    found = {event.data["id"]: event for event in stage.backfilled()}
    for name in ("aimessage_created", "transcript_created"):  # of calls that did not end before the gap
        assert missed[name] <= found.keys()
    # A message changes nothing of its conversation: it is found where anything else of that came.
    heard = {event.data["id"] for event in stage.seen if event.address.resource == "conversation"}
    talks = {each.data["conversation_id"] for each in stage.missed if each.event_type == SAID[0]}
    assert {found[id_].kind for id_ in missed[SAID[0]] & found.keys()} <= {"message.received", "message.sent"}
    assert talks & heard and missed[SAID[0]] & found.keys()
    assert not any(event.kind.startswith("unmapped.") for event in found.values())


def test_an_agents_chats_are_read_with_the_agents_token():
    token = make_token(CUSTOMER, permission=0x10, agent_id="a1")
    protocol = Voipbin(Secret("text", token), CUSTOMER, "ws://x/v1.0/ws").protocol("office")
    for topic in ("chat", "chatmessage"):
        list(protocol.subscribe(f"agent_id:a1:{topic}:*"))
    list(protocol.tick(START, 1.0))
    chat = {"id": "c1", "customer_id": CUSTOMER, "type": "group", "member_count": 2}
    stamps = {"tm_create": "2026-01-01T00:00:30Z", "tm_update": None, "tm_delete": None}
    said = {"id": "m1", "customer_id": CUSTOMER, "owner_type": "agent", "owner_id": "a2", "chat_id": "c1"}
    said |= {"type": "normal", "text": "hello", "medias": [], "metadata": {}} | stamps
    lists_of = {"talk_chats": [chat | stamps], "talk_messages": [said]}
    asked = []

    def answer(request):
        path = urlsplit(request.url).path.removeprefix("/v1.0/service_agents/")
        asked.append(path)
        return Response(200, {}, json.dumps({"result": lists_of[path]}).encode())

    _, actions = drive(protocol.backfill(START, START + timedelta(minutes=2)), answer)
    assert asked == ["talk_chats", "talk_messages"]
    kinds = [action.event.kind for action in actions if isinstance(action, Emit)]
    assert sorted(kinds) == ["chat.created", "chat.message_posted"]


def test_a_state_that_the_platform_has_no_event_for_is_no_event_of_ours():
    stage = Stage("head")
    stage.connect()
    stage.simulator._state._states["webchat_session"] = {
        "w1": {"id": "w1", "customer_id": CUSTOMER, "widget_id": "x", "status": "active", "peer": {}, "local": {}}
        | {"tm_create": "2026-01-01T00:00:30Z", "tm_update": "2026-01-01T00:00:31Z"}
    }
    stage.wait(120)
    stage.look(START)
    assert stage.backfilled() == []
