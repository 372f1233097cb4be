"""`jackfield.simulation._webhook_delivery`: a vendor's webhooks to a real HTTP server that fails in every way."""

from functools import partial

import trio

from jackfield.plugin.http import Response
from jackfield.simulation import Faults, simulate
from jackfield.simulation._listener import serve_stream
from jackfield.simulation._webhook_delivery import AT_ONCE


class Receiver:
    """Answers each request with the next of these statuses, the last for ever; 0 never answers."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.bodies, self.times, self.busy, self.busiest = [], [], 0, 0
        self.seconds = 0.0

    async def answer(self, request):
        self.bodies.append(request.body.decode())
        self.times.append(trio.current_time())
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        try:
            await trio.sleep(self.seconds if status else 1000)
        finally:
            self.busy -= 1
        return Response(status)

    async def listen(self, nursery):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        serve = partial(serve_stream, None, answer=self.answer)
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/hook"


async def webhooks_delivered(counting, nursery, receiver, limit, **faults):
    url = await receiver.listen(nursery)
    async with simulate(counting(webhook=url), faults=Faults(**faults), limit=limit) as running:
        with trio.fail_after(1000):
            await running.settled()
        return running


async def test_each_event_is_posted_once(counting, nursery, autojump_clock):
    receiver = Receiver(200)
    done = (await webhooks_delivered(counting, nursery, receiver, 50)).counters
    assert sorted(map(int, receiver.bodies)) == list(range(50))
    assert (done.webhooks_delivered, done.webhook_attempts, done.webhooks_given_up) == (50, 50, 0)


async def test_a_failure_is_tried_again_after_its_wait_and_a_refusal_is_not(counting, nursery, autojump_clock):
    for statuses, attempts in (((500, 503, 200), 3), ((404,), 1), ((0, 200), 2)):
        receiver = Receiver(*statuses)
        done = (await webhooks_delivered(counting, nursery, receiver, 1)).counters
        assert (done.webhooks_delivered, done.webhook_attempts, done.webhooks_given_up) == (1, attempts, 0)
        wait = 2.0 if statuses[0] else 7.0  # after a time-out of five
        assert [round(b - a, 1) for a, b in zip(receiver.times, receiver.times[1:], strict=False)] == [wait] * (
            attempts - 1
        )


async def test_what_fails_at_every_attempt_is_given_up_counted_and_told(counting, nursery, autojump_clock):
    running = await webhooks_delivered(counting, nursery, Receiver(500), 3)
    assert (
        running.counters.webhooks_delivered,
        running.counters.webhook_attempts,
        running.counters.webhooks_given_up,
    ) == (0, 9, 3)
    assert running.last_webhook_failure == "POST /hook: status 500"


async def test_nobody_there_is_a_failure_like_others(counting, autojump_clock):
    async with simulate(counting(webhook="http://127.0.0.1:9/hook"), limit=1) as running:
        with trio.fail_after(1000):
            await running.settled()
        assert running.counters.webhooks_given_up == 1
        assert "127.0.0.1:9" in running.last_webhook_failure


async def test_drops_and_duplicates_are_webhooks_too(counting, nursery, autojump_clock):
    receiver = Receiver(200)
    done = (await webhooks_delivered(counting, nursery, receiver, 100, drop=0.3, duplicate=2)).counters
    assert len(receiver.bodies) == 2 * (100 - done.dropped)
    assert len(set(receiver.bodies)) == 100 - done.dropped < 100


async def test_only_so_many_are_posted_at_once(counting, nursery, autojump_clock):
    receiver = Receiver(200)
    receiver.seconds = 1.0
    await webhooks_delivered(counting, nursery, receiver, 200)
    assert receiver.busiest == AT_ONCE
