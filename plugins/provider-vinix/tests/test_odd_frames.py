"""What a gateway may legally send and no sample shows: by ``jackfield decode vinix``, each between two replies."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._cli import main
from jackfield.errors import FrameError
from jackfield.events import Event
from jackfield.plugin.protocol import Emit
from jackfield.testing import strategies
from jackfield_vinix import translate
from jackfield_vinix.protocol import VinixProtocol

A, Q = "e086ae14f0b36050f03309e30b2daa39", "d3638f884b47f7a400ef34c9af98f843"
R, S = "b61070632ec0fae43f0ac563df854c4a", "7edd095189dd15125c59e1401e8c398c"
AT, WHEN = 63934444820, "2026-01-01T00:00:20Z"
REPLIES = (
    {"action": "reply", "request_id": 7, "status": "success"},
    {"action": "reply", "request_id": "r", "status": "success", "data": {"subscribed": "qubicle.queue"}},
    {"action": "reply", "request_id": "r", "status": "success", "data": {"queue_id": "stale", "event_name": "join"}},
    {"action": "reply", "request_id": None, "status": "error", "data": None, "name": "join", "routing_key": "x"},
    {"action": "reply", "data": {"subscribed": [], "subscriptions": [f"qubicle.queue.{A}.*"]}},
    {"action": "reply", "request_id": ["r"], "status": 5, "data": {"errors": "text"}},
)


def queue(word="join", *, more="", without=(), **data):
    """A queue's event of KAZOO 4.3 with other fields, and without some."""
    common = {"account_id": A, "queue_id": Q, "session_id": S, "event_name": word, "event_timestamp": AT, "msg_id": "m"}
    own = {name: value for name, value in (common | data).items() if name not in without}
    return {"action": "event", "name": word, "routing_key": f"qubicle.queue.{A}.{Q}{more}", "data": own}


def recipient(word, **data):
    """A recipient's event with the whole binding as its name, as documented."""
    key = f"qubicle.recipient.{A}.{R}.{word}"
    return {"action": "event", "name": key, "routing_key": key, "data": {"recipient_id": R, "msg_id": "m", **data}}


TITLE = {"Account-ID": A, "Queue-ID": Q, "Session-ID": S, "Event-Category": "qubicle-queue", "Msg-ID": "m"}
JOIN, LEAVE = ("contact.queued", f"queue/{Q}/join"), f"queue/{Q}/leave"
ODD = [
    # (what, frame, kind, resource and what follows, time, id or whether there is one, correlation)
    ("title case all over", queue(**TITLE, without=("account_id", "queue_id", "session_id", "msg_id")), *JOIN),
    ("no envelope, as webhooks", TITLE | {"Event-Name": "join", "Event-Timestamp": AT}, *JOIN),
    ("no envelope, lower case", queue()["data"] | {"event_category": "qubicle-queue"}, *JOIN),
    ("lean with fields beside", {"event": f"qubicle.queue.{A}.{Q}.join"} | queue()["data"], *JOIN),
    ("category in title case", {"name": "join", "data": queue()["data"] | {"event_category": "Qubicle_queue"}}, *JOIN),
    ("an empty action", queue() | {"action": ""}, *JOIN),
    ("no action", {name: value for name, value in queue().items() if name != "action"}, *JOIN),
    ("word in the payload only", queue() | {"name": None}, *JOIN),
    ("word in the key only", queue(more=".join", without=("event_name",)) | {"name": ""}, *JOIN),
    ("name is a key without a word", queue() | {"name": f"qubicle.queue.{A}.{Q}"}, *JOIN),
    ("event at top level", queue() | {"name": None, "event": "join"}, *JOIN),
    ("event_name at top level", queue() | {"name": None, "event_name": f"qubicle.queue.{A}.{Q}.join"}, *JOIN),
    ("further segments", queue(more=".join.v2.x"), *JOIN),
    ("a hash in the subscription", queue() | {"routing_key": None, "subscription_key": "qubicle.queue.#"}, *JOIN),
    ("numbers as text", queue(position="3", stats={"total_sessions": "9"}, event_timestamp=f" {AT} "), *JOIN),
    ("a fraction of a second", queue(event_unix_timestamp=1767225620.0), *JOIN),
    ("milliseconds", queue(event_unix_timestamp=1767225620000), *JOIN),
    ("ISO 8601", queue(event_timestamp="2026-01-01T02:00:20+02:00"), *JOIN),
    ("unix never, gregorian given", queue(event_unix_timestamp=0), *JOIN),
    ("never", queue(event_timestamp=0), *JOIN, None),
    ("stats' times only", queue(stats={"login_time": AT}, without=("event_timestamp",)), *JOIN, None),
    ("a time before 1970", queue(event_timestamp=-1), *JOIN, None),
    ("null fields", queue(position=None, reason="", members=[], pid="<0.1.0>"), *JOIN),
    ("names of the world", queue(queue_name="Zürich ☎ 客服", caller_id_name="\u202eé\u0000\u007f"), *JOIN),
    ("nested members", queue("sync", members=[{"Recipient-ID": R, "x": [[{}]]}]), "queue.snapshot", f"queue/{Q}/sync"),
    ("a number as message id", queue(msg_id=1603829149123), *JOIN, WHEN, "1603829149123"),
    ("no message id", queue(without=("msg_id",)), *JOIN, WHEN, True),
    ("a list as message id", queue(msg_id=["m"]), *JOIN, WHEN, True),
    ("no session", queue(without=("session_id",), call_id="c.1@x"), *JOIN, WHEN, "m", "c.1@x"),
    ("neither session nor call", queue(without=("session_id",)), *JOIN, WHEN, "m", None),
    ("no data", {"name": "join", "routing_key": f"qubicle.queue.{A}.{Q}"}, *JOIN, None, True, None),
    ("data is a list", queue() | {"data": [1, {"a": None}]}, *JOIN, None, True, None),
    ("another id", queue(queue_id="a/b.c*d e"), "contact.queued", "queue/a%2Fb.c%2Ad%20e/join"),
    ("dashes", queue(queue_id="D3638F88-4b47"), "contact.queued", "queue/D3638F88-4b47/join"),
    ("gave up", queue("leave", reason="Caller Hang-Up"), "contact.abandoned", LEAVE),
    ("gave up", queue("leave", Reason="callerAbandoned"), "contact.abandoned", LEAVE),
    ("the agent hung up", queue("leave", reason="agent_hangup"), "contact.dequeued", LEAVE),
    ("a reason of parts", queue("leave", reason={"code": 5}), "contact.dequeued", LEAVE),
    ("unknown word", queue("transfer"), "unmapped.queue", f"queue/{Q}/transfer"),
    ("unknown family", queue() | {"routing_key": f"qubicle.gadget.{A}.g"}, "unmapped.gadget", "gadget/g/join"),
    (
        "escaped call id",
        {"name": "create", "routing_key": f"qubicle.session.{A}.c1%2Ed%40x", "data": {"event_timestamp": AT}},
        "contact.created",
        "session/c1.d@x/create",
        WHEN,
        True,
        "c1.d@x",
    ),
    (
        "offer, with all ids",
        recipient("offer", queue_id=Q, session_id=S, event_timestamp=AT),
        "offer.created",
        f"recipient/{R}/offer",
    ),
    ("login", recipient("login"), "agent.logged_on", f"recipient/{R}/login", None, "m", None),
    ("pause", recipient("pause", queue_id=Q), "agent.queue_paused", f"recipient/{R}/pause", None, "m", None),
    ("watched", recipient("wiretap_start"), "supervision.started", f"recipient/{R}/wiretap_start", None, "m", None),
    (
        "own call",
        recipient("external_call_start", call_id="o@x"),
        "agent.external_call_started",
        f"recipient/{R}/external_call_start",
        None,
        "m",
        "o@x",
    ),
]


def defaults(time=WHEN, id_="m", correlation=S):
    return time, id_, correlation


def decode(tmp_path, monkeypatch, capfdbinary, frames):
    """The events that the command makes of these lines, and what it says."""
    path = tmp_path / "frames"
    path.write_bytes(b"\n".join(frames) + b"\n")
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert main(["decode", "vinix"]) == 0
    out, err = capfdbinary.readouterr()
    return [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.mark.parametrize("reply", REPLIES, ids=range(len(REPLIES)))
def test_odd_frames_are_read_as_they_are_meant_and_replies_never_disturb_them(
    reply, tmp_path, monkeypatch, capfdbinary
):
    frames = [json.dumps(each, ensure_ascii=False).encode() for _, frame, *_ in ODD for each in (reply, frame)]
    # One process for each would need a minute; what one frame leaves behind for the next is part of what is tested.
    events, said = decode(tmp_path, monkeypatch, capfdbinary, frames)
    assert "unreadable" not in said
    ids = {}
    for (what, frame, kind, where, *rest), event in zip(ODD, events, strict=True):
        time, id_, correlation = defaults(*rest)
        assert event["type"] == kind, what
        assert f"{event['source']}/{event['subject']}/{event['event']}" == f"/vinix/account/{A}/{where}", what
        assert event.get("time") == time, what
        assert len(event["id"]) == 32, what
        if id_ is not True:
            assert ids.setdefault((where, id_), event["id"]) == event["id"], what
        assert event.get("correlationid") == correlation, what
        assert event.get("data") == (frame if "Msg-ID" in frame or "msg_id" in frame else frame.get("data")), what
    assert len(set(ids.values())) == len(ids)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"[1]", "not a JSON object"),
        (b"12", "not a JSON object"),
        (b'{"name":"jo\x01in"}', "not valid JSON"),
        (b'{"name":"join","data":{"a":"\xff"}}', "not valid JSON"),
        (b'{"name":"join","data":{"a":NaN}}', "not valid JSON"),
        (b'{"action":"event","data":{}}', "neither a reply nor an event"),
    ],
)
def test_what_is_no_event_costs_itself_and_nothing_else(line, problem, tmp_path, monkeypatch, capfdbinary):
    good = json.dumps(queue()).encode()
    events, said = decode(tmp_path, monkeypatch, capfdbinary, [b"\xef\xbb\xbf" + good, line, b" \t" + good + b" \r"])
    assert events[0]["id"] == events[1]["id"]
    assert f"line 2: unreadable: {problem}" in said or f"line 2: unreadable: data is {problem}" in said


FRAMES = [json.loads(line)["wire"] for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
TEXTS = ("", " ", "*", "#", "qubicle", "qubicle.queue.A.Q", "qubicle..", "%", "%zz", "a+b", "\x00", "ü☎", "Ready")
WORDS = ("reply", "event", "delivered", "sync", "2026-01-01T00:00:00Z", "63934444820")
VALUES = st.sampled_from([*TEXTS, *WORDS, 63934444820, -1, 1e300, 10**30, True, [], {}]) | strategies.json_values()


@st.composite
def mutants(draw):
    """A frame of the collection in which some fields are gone, changed, renamed or in another case."""

    def mutate(value):
        if not isinstance(value, dict):
            return value
        changed = {}
        for name, each in value.items():
            match draw(st.integers(0, 12)):
                case 0:
                    continue
                case 1:
                    changed[name] = draw(VALUES)
                case 2:
                    changed[name.title().replace("_", "-")] = each
                case 3:
                    changed[draw(st.sampled_from(["session_id", "event_name", "handling_call", "call_id"]))] = each
                case _:
                    changed[name] = mutate(each)
        return changed

    return mutate(draw(st.sampled_from(FRAMES)))


@given(st.lists(mutants(), min_size=1, max_size=4))
def test_whatever_becomes_of_frames_each_is_read_or_reported_and_its_payload_comes_out_as_it_went_in(frames):
    protocol = VinixProtocol("support")
    for frame in frames:
        try:
            actions = list(protocol.received(json.dumps(frame).encode(), datetime(2026, 1, 1, tzinfo=UTC)))
        except FrameError as error:
            assert "neither a reply nor an event" in error.problem or "empty segment" in error.problem
            continue
        for event in (action.event for action in actions if isinstance(action, Emit)):
            seen = json.loads(event.to_json())
            assert Event.from_cloudevent(event.to_json()) == event
            assert seen.get("data") in ((frame["data"],) if "data" in frame else (frame, None))


@given(st.lists(mutants(), min_size=1, max_size=4), st.sampled_from(["", FRAMES[0]["data"]["account_id"]]))
def test_a_frame_that_is_written_as_usual_becomes_the_same_when_it_is_read_as_an_unusual_one(frames, account):
    """There are two ways: by the plan that a name and a key lead to at once, and by everything that a frame says."""
    became = []
    for usual in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not usual:
                patch.setattr(translate, "plan_by_key", lambda *words: None)
            protocol = VinixProtocol("support", account)
            became.append([told(protocol, json.dumps(frame).encode()) for frame in frames])
    assert became[0] == became[1]


def told(protocol, frame):
    try:
        actions = list(protocol.received(frame, datetime(2026, 1, 1, tzinfo=UTC)))
    except FrameError as error:
        return error.problem
    return [(each.event, each.event.to_json()) if isinstance(each, Emit) else str(each) for each in actions]


@pytest.mark.parametrize("where", ["routing_key", "queue_id", "account_id", "event_name", "session_id"])
def test_half_of_a_surrogate_pair_in_what_names_an_event_without_a_message_id_is_read(where):
    half = "\ud83d"
    key = f"qubicle.queue.{A}.{half if where == 'routing_key' else Q}"
    data = {"account_id": A, "queue_id": Q, "session_id": S, "event_name": "join"} | {where: half}
    ids = {}
    for name in ("join", None):
        frame = json.dumps({"name": name, "routing_key": key, "data": data}).encode()
        (emit,) = VinixProtocol("support").received(frame, datetime(2026, 1, 1, tzinfo=UTC))
        assert json.loads(emit.event.to_json())["data"] == json.loads(frame)["data"]
        ids[name] = emit.event.id
    assert len(ids["join"]) == 32
    assert (ids["join"] == ids[None]) is (where != "event_name")
