"""What it costs to find an event's subscribers among 10, 1,000 and 10,000 selectors of mixed shapes.

The sections ``index`` and ``selectors`` of the benchmark. In each row the same events are looked up. Ten
selectors of ten shapes, as people write them, are there from the start, and every third event or so matches one;
the others that are added are of the same shapes or of any of all 256, for other accounts and things.
"""

import random
import time
import tracemalloc
from typing import NamedTuple

from jackfield._routing.index import SelectorIndex
from jackfield.addresses import Address, AddressPattern
from jackfield.kinds import KINDS
from jackfield.selectors import KindPattern, Selector

SIZES = (10, 1_000, 10_000)
EVENTS = 500
ROUNDS = 15

# The slots that ten people's selectors fix: e and w are the kind's words, 0 to 5 the address's segments.
SHAPES = ("ew", "e", "ew012", "e012", "01234", "34", "012345", "ew01234", "w0", "ew5")


class Happened(NamedTuple):
    """An event as far as an index sees it."""

    kind: str
    address: Address


def happening(chance, account, things):
    provider, scope = ("voipbin", "customer") if account % 2 else ("vinix", "account")
    address = Address(
        provider,
        scope,
        f"account-{account}",
        chance.choice(("call", "queue", "recipient", "session", "agent", "message")),
        f"thing-{chance.randrange(things)}",
        chance.choice(("status", "join", "leave", "create", "delete", "ready")),
    )
    return Happened(chance.choice(KINDS).name, address)


def selector(event, shape):
    """The selector of a shape that matches an event."""
    entity, word = event.kind.split(".")
    kind = KindPattern(entity if "e" in shape else None, word if "w" in shape else None)
    return Selector(kind, AddressPattern(*(slot if str(n) in shape else None for n, slot in enumerate(event.address))))


def random_shape(chance):
    return "".join(each for each in "ew012345" if chance.random() < 0.6) + "4"


def measure(size, seed, *, any_shape):
    """One row: microseconds for an event in all rounds, subscribers of an event, bytes of the index."""
    chance = random.Random(seed)
    events = [happening(chance, 1, 3) for _ in range(EVENTS)]
    selectors = [selector(events[number], shape) for number, shape in enumerate(SHAPES)]
    while len(selectors) < size:
        other = happening(chance, chance.randrange(2, 200), 5_000)
        shape = random_shape(chance) if any_shape else chance.choice(SHAPES[2:8])
        selectors.append(selector(other, shape))
    tracemalloc.start()
    index = SelectorIndex()
    for number, each in enumerate(selectors):
        index.add(each, number)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    found = sum(len(index.match(event)) for event in events) / EVENTS
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for event in events:
            index.match(event)
        rounds.append((time.perf_counter() - began) / EVENTS * 1e6)
    return rounds, found, memory


def table(seed, *, any_shape):
    rows = []
    for size in SIZES:
        rounds, found, memory = measure(size, seed, any_shape=any_shape)
        rows.append({"selectors": size, "rounds": rounds, "subscribers": found, "bytes": memory})
    return rows
