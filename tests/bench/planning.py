"""What it costs to plan one listener more, beside listeners on as many narrow topics; pure, without a socket.

A listener changes two things: the plan of its feed, and what the connection is subscribed to.
"""

import time

from jackfield._feed.subscriptions import Subscriptions
from jackfield._routing.planner import FeedPlan
from jackfield.addresses import Source
from jackfield.selectors import Selector
from jackfield_vinix.dialects import DocumentedDialect
from jackfield_voipbin.dialects import AutoDialect, PrefixDialect

SIZES = (100, 1_000, 10_000)
ROUNDS = 15

CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
FEEDS = {
    "voipbin auto": (AutoDialect(CUSTOMER), Source("voipbin", "customer", CUSTOMER), "call"),
    "voipbin prefix": (PrefixDialect(CUSTOMER), Source("voipbin", "customer", CUSTOMER), "call"),
    "vinix": (DocumentedDialect("ACC"), Source("vinix", "account", "ACC"), "queue"),
}


class Provider:
    """As much of one as planning asks."""

    def __init__(self, dialect, source):
        self.dialect, self.source = dialect, source


def answer(subscriptions):
    """Take every step, each confirmed at once."""
    while (step := subscriptions.next_step()) is not None:
        if step[0] == "subscribe":
            subscriptions.confirm(step[1])


def measure(name, size):
    """Milliseconds for one listener more, and for its end, in each round."""
    dialect, source, resource = FEEDS[name]
    narrow = f"{source.provider}/{source.scope}/{source.scope_id}/{resource}/thing-{{:06}}/**"
    plan, subscriptions = FeedPlan(Provider(dialect, source)), Subscriptions(dialect)
    plan.add(Selector.parse(narrow.format(number)) for number in range(size))
    subscriptions.want(plan.topics)
    for topic in plan.topics:
        subscriptions.pending.add(topic)
        subscriptions.confirm(topic)
    rounds = []
    for number in range(ROUNDS):
        one = [Selector.parse(narrow.format(size + number))]
        before = time.process_time()
        for change in (plan.add, plan.remove):
            change(one)
            subscriptions.want(plan.topics)
            answer(subscriptions)
            assert subscriptions.settled
        rounds.append((time.process_time() - before) * 1e3)
    return rounds
