"""A recorded conversation with each profile, replayed against the protocol word for word.

Each line of ``transcripts/PROFILE.jsonl`` is what went out or came in, in order: ``out`` and ``in`` are frames,
``ask`` and ``answer`` REST, ``event`` what was emitted, as kind, address, id, origin and whether it was inferred.
``python test_transcripts.py`` records them anew from the simulated platform.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Emit, Send
from jackfield.plugin.secrets import Secret
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, PROFILES, VoipbinSimulator

FOLDER = Path(__file__).parent / "transcripts"
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
TOPICS = [f"customer_id:{CUSTOMER}:{each}:*" for each in ("call", "queue", "queuecall")]
EVENTS, HEARD = 34, 22


def protocol():
    return Voipbin(Secret("text", "s3cret"), CUSTOMER, "ws://x/v1.0/ws").protocol("office")


def seen(actions):
    """What a transcript says of actions."""
    for action in actions:
        if isinstance(action, Send):
            yield {"out": json.loads(action.frame)}
        elif isinstance(action, Emit):
            event = action.event
            yield {"event": [event.kind, str(event.address), event.id, event.origin, event.inferred]}


def record(profile):
    """Subscribe, hear most of the beginning of a day, look for the rest by REST, give a topic back."""
    moments = (START + timedelta(seconds=second) for second in range(1, 1000))
    simulator = VoipbinSimulator("s3cret", profile=profile)
    simulator.admit("/v1.0/ws?token=s3cret", {})
    client, ours, day = simulator.client(), protocol(), simulator.events(lambda: next(moments))

    def exchange(actions):
        for line in seen(actions):
            yield line
            for answer in client.received(json.dumps(line["out"])) if "out" in line else ():
                yield {"in": answer}
                yield from seen(ours.received(answer.encode(), START))

    for topic in TOPICS:
        yield from exchange(ours.subscribe(topic))
    yield from exchange(ours.tick(START, 1.0))
    for number in range(EVENTS):
        event = next(day)
        for frame in client.frames_for(event) if number % 5 and number < HEARD else ():
            yield {"in": frame}
            yield from exchange(ours.received(frame.encode(), START))
    look = ours.backfill(START, START + timedelta(seconds=100))
    try:
        request = next(look)
        while True:
            answer = simulator.answer(request)
            yield {"ask": str(request), "answer": answer.status, "body": answer.body.decode()}
            request = look.send(answer)
    except StopIteration as done:
        yield from exchange(done.value)
    yield from exchange(ours.unsubscribe(TOPICS[0]))


def replay(lines):
    """The same from our side, with what came in taken from the transcript."""
    ours, waiting, done = protocol(), list(lines), []

    def expect(actions):
        for line in seen(actions):
            done.append(line)
            while len(done) < len(waiting) and "in" in waiting[len(done)]:
                frame = waiting[len(done)]["in"]
                done.append({"in": frame})
                done.extend(seen(ours.received(frame.encode(), START)))

    for topic in TOPICS:
        expect(ours.subscribe(topic))
    expect(ours.tick(START, 1.0))
    look = ours.backfill(START, START + timedelta(seconds=100))
    try:
        request = next(look)
        while True:
            line = waiting[len(done)]
            done.append(line | {"ask": str(request)})
            request = look.send(Response(line["answer"], {}, line["body"].encode()))
    except StopIteration as result:
        expect(result.value)
    expect(ours.unsubscribe(TOPICS[0]))
    return done


@pytest.mark.parametrize("profile", PROFILES)
def test_a_recorded_conversation_goes_as_it_went(profile):
    lines = [json.loads(line) for line in (FOLDER / f"{profile}.jsonl").read_text().splitlines()]
    assert replay(lines) == lines
    events = [line["event"] for line in lines if "event" in line]
    assert {origin for _, _, _, origin, _ in events} == {"live", "backfill"}
    backfilled = [event for event in events if event[3] == "backfill"]
    assert not {event[2] for event in backfilled} & {event[2] for event in events if event[3] == "live"}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_simulated_platform_still_speaks_as_recorded(profile):
    lines = [json.loads(line) for line in (FOLDER / f"{profile}.jsonl").read_text().splitlines()]
    assert list(record(profile)) == lines


if __name__ == "__main__":
    for name in PROFILES:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in record(name))
        (FOLDER / f"{name}.jsonl").write_text(text, encoding="utf-8")
