"""A protocol driven by hand, before a vendor and its REST interface, without a session and without time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

import attrs

from jackfield.errors import JackfieldError, RestError
from jackfield.plugin.http import HTTPFlow, Response
from jackfield.plugin.http import Request as HTTPRequest
from jackfield.plugin.protocol import Action, FeedProtocol, Request, Send
from jackfield.plugin.provider import Provider, SupportsAuthentication
from jackfield.plugin.simulator import SupportsGreeting
from jackfield.testing._harness import Vendor, as_target

__all__ = ["HandDriven", "logged_in", "perform"]

# A protocol that answers each answer with a question is stopped after so many.
MOST_ANSWERS = 1000


T = TypeVar("T")
Rest = Callable[[HTTPRequest], Response]


def perform(flow: HTTPFlow[T], rest: Rest) -> T:
    """What an exchange ends with; `RestError` where it gives up, or asks for ever."""
    try:
        asked = next(flow)
        for _ in range(MOST_ANSWERS):
            asked = flow.send(rest(as_target(asked)))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()
    raise RestError(f"it has asked {MOST_ANSWERS} times and goes on")


def logged_in(provider: Provider, rest: Rest, before: Provider | None = None) -> Provider:
    """The provider after its login, where it has one that succeeds: what is known only then, its topics need."""
    if not isinstance(provider, SupportsAuthentication):
        return provider
    try:
        return perform(provider.authenticate(before), rest)
    except JackfieldError:
        return provider


@attrs.define(eq=False)
class HandDriven:
    """One connection."""

    protocol: FeedProtocol
    _vendor: Vendor | None
    _rest: Rest
    _at: datetime
    hurried: bool = False
    """Whether answers by REST are left for later, as when a vendor takes its time."""
    _late: list[Request] = attrs.field(factory=list)

    def catch_up(self) -> list[Action]:
        """Get the answers that were left for later."""
        late, self._late, self.hurried = self._late, [], False
        return [action for request in late for action in self._through(self._perform(request))]

    def begin(self, topics: Iterable[str]) -> list[Action]:
        """Open, be greeted, subscribe to these; every action of the protocol."""
        done = self._through(self.protocol.opened())
        vendor: object = self._vendor
        if isinstance(vendor, SupportsGreeting):
            for greeting in vendor.opened():
                done += self._through(self.protocol.received(_bytes(greeting), self._at))
        for topic in topics:
            done += self.subscribe(topic)
        return done

    def subscribe(self, topic: str) -> list[Action]:
        """A topic is wanted."""
        return self._through(self.protocol.subscribe(topic))

    def unsubscribe(self, topic: str) -> list[Action]:
        """A topic is wanted no longer."""
        return self._through(self.protocol.unsubscribe(topic))

    def tick(self, at: datetime) -> list[Action]:
        """A second has passed."""
        return self._through(self.protocol.tick(at, 1.0))

    def _through(self, actions: Iterable[Action]) -> list[Action]:
        """Perform actions and what follows from them."""
        done: list[Action] = []
        waiting = list(actions)
        while waiting and len(done) < MOST_ANSWERS:
            action = waiting.pop(0)
            done.append(action)
            match action:
                case Send() if self._vendor is not None:
                    for answer in self._vendor.received(action.frame):
                        if isinstance(answer, str | bytes):
                            waiting += self.protocol.received(_bytes(answer), self._at)
                case Request() if self.hurried:
                    self._late.append(action)
                case Request():
                    waiting += self._perform(action)
        return done

    def _perform(self, request: Request) -> Iterable[Action]:
        try:
            return list(perform(request.flow(), self._rest))
        except RestError:
            return ()


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
