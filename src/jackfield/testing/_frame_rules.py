"""The rules about what a provider says and reads, without a connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import attrs
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import AddressPattern
from jackfield.errors import FrameError, JackfieldError, RestError
from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow, Response
from jackfield.plugin.protocol import Action, FeedProtocol, Request, Send, SupportsBackfill
from jackfield.plugin.provider import SupportsAuthentication
from jackfield.plugin.webhook import SupportsWebhooks
from jackfield.selectors import KindPattern, Selector
from jackfield.testing._harness import FEED
from jackfield.testing._mutations import extended_json, json_in, mutated_frames, mutated_json, parts_of
from jackfield.testing._option_checks import problems_of_options
from jackfield.testing._provider_declaration import AT, ProviderDeclaration, received
from jackfield.testing._rules import Level, rule
from jackfield.testing.strategies import json_values

__all__ = ["FrameRules"]

ACTIONS: tuple[type, ...] = get_args(Action)
# A backfill that has asked so often will not come to an end.
MOST_REQUESTS = 1000
STATUSES = (200, 201, 204, 301, 400, 401, 404, 429, 500, 503)
TICKS = 3600


class FrameRules(ProviderDeclaration):
    """Everything that can be seen of a provider while it is driven by hand."""

    @rule(Level.BRONZE)
    def test_describes_options(self) -> None:
        """Operators know an option by its one line of help only, and what is secret must be known to be."""
        problems = problems_of_options(self.provider)
        assert not problems, "; ".join(problems)

    @rule(Level.BRONZE)
    def test_declares_what_it_can(self) -> None:
        """What the suite does not know of, it does not try."""
        webhook = self.provider.webhook(FEED) if isinstance(self.provider, SupportsWebhooks) else None
        has = {
            "authenticates": isinstance(self.provider, SupportsAuthentication),
            "backfills": isinstance(self.provider.protocol(FEED), SupportsBackfill),
            "webhooks": webhook is not None,
        }
        declared = {name: getattr(self, name) for name in has}
        assert declared == has, f"the suite declares {declared}, the provider has {has}"

    @rule(Level.BRONZE)
    def test_reads_anything(self) -> None:
        """A frame that raises anything but one FrameError is a bug that costs an event."""

        @given(mutated_frames(self.examples()))
        def law(frame: bytes) -> None:
            outcome = self.read(frame)
            if isinstance(outcome, FrameError):
                assert outcome.raw == frame, f"the FrameError for {frame!r} carries {outcome.raw!r}"
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                assert all(isinstance(each, ACTIONS) for each in outcome), f"{outcome} are no actions"

        law()

    @rule(Level.BRONZE)
    def test_accounts_for_every_frame(self) -> None:
        """A frame that ends as nothing at all is lost in silence, for nobody counts it."""

        @given(mutated_frames(self.examples()))
        def law(frame: bytes) -> None:
            assert self.read(frame) != (), f"no action and no error for {frame!r}"

        law()

    @rule(Level.BRONZE)
    def test_reads_its_examples(self) -> None:
        """An event without its feed, its kind, its address or its time reaches nobody who asked for it."""
        assert self.examples(), "no example of a frame is given"
        for frame in self.examples():
            events = self.emitted(frame)
            assert events, f"no event in {frame!r}: {self.read(frame)!r}"
            for event in events:
                problems = self.problems_of(event, ("live",))
                assert not problems, f"an event has {' and '.join(problems)}: {event}"

    @rule(Level.SILVER)
    def test_plans_for_what_it_emits(self) -> None:
        """Who asks for just this kind at just this address must be subscribed to a topic that brings it."""
        for event in [event for frame in self.examples() for event in self.emitted(frame)]:
            pattern = AddressPattern.exactly(event.address)
            dialect = self.logged_in.dialect
            kinds = dialect.kinds_of(pattern)
            assert event.kind in kinds, f"{event.kind} at {event.address}, where the dialect knows {sorted(kinds)} only"
            topics = dialect.topics_of(Selector(KindPattern.parse(event.kind), pattern))
            bringing = [topic for topic in topics if dialect.pattern_of(topic).matches(event.address)]
            assert bringing, f"none of {topics} brings {event.kind} at {event.address}"

    @rule(Level.SILVER)
    def test_keeps_payloads_whole(self) -> None:
        """What a vendor adds tomorrow must pass through today's plugin."""

        def check(frame: bytes) -> None:
            for event in self.emitted(frame):
                found = json_in(frame)
                if found is None:
                    continue
                whole = list(parts_of(found[1]))
                assert event.data is None or event.data in whole, f"{event.data!r} is no part of {frame!r}"
                if event.data_json is not None:
                    assert msgspec.json.decode(event.data_json) == event.data, "data_json says something else than data"

        for frame in extended_json(self.examples()):
            check(frame)
        given(mutated_json(self.examples()))(check)()

    @rule(Level.SILVER)
    def test_gives_stable_ids(self) -> None:
        """A copy of an event that has an id of its own is delivered twice."""
        for frame in self.examples():
            later = self.read(frame, AT + timedelta(hours=1))
            again = [] if isinstance(later, Exception) else [each.event.id for each in later if hasattr(each, "event")]
            assert [event.id for event in self.emitted(frame)] == again, f"another id an hour later: {frame!r}"
        for group in self.copies():
            ids = [[event.id for event in self.emitted(frame)] for frame in group]
            assert all(each == ids[0] for each in ids), f"copies of one event have the ids {ids}"

    @rule(Level.SILVER)
    def test_gives_distinct_ids(self) -> None:
        """Two events with one id are taken for copies, and the second is lost."""
        seen: dict[str, bytes] = {}
        for frame in dict.fromkeys(self.examples()):
            for event in self.emitted(frame):
                assert event.id not in seen, f"{event.id} is the id of {seen[event.id]!r} and of {frame!r}"
                seen[event.id] = frame

    @rule(Level.SILVER)
    def test_round_trips_events(self) -> None:
        """An event that cannot be read back as it was written is changed on its way to a sink."""

        @given(mutated_frames(self.examples()))
        def law(frame: bytes) -> None:
            for event in self.emitted(frame):
                back = Event.from_cloudevent(event.to_cloudevent())
                changed = [name for name in attrs.fields_dict(Event) if getattr(back, name) != getattr(event, name)]
                assert back == event, f"the event comes back with another {' and '.join(changed)}: {event} as {back}"

        law()

    @rule(Level.SILVER)
    def test_shares_nothing(self) -> None:
        """What one connection knows must not change what another says."""
        alone = self._through([self.provider.protocol(FEED)])[0]
        beside = self._through([self.provider.protocol(FEED) for _ in range(2)])
        for number, shown in enumerate(beside):
            assert shown == alone, f"connection {number} of two says {shown} where one alone says {alone}"

    def _through(self, protocols: list[FeedProtocol]) -> list[list[Any]]:
        """What each of some protocols says to the same things, step by step, one after the other."""
        talks = [(protocol, self.vendor(), [self._shown(tuple(protocol.opened()))]) for protocol in protocols]
        for topic in self.topics():
            said = [tuple(protocol.subscribe(topic)) for protocol in protocols]
            for (protocol, vendor, shown), actions in zip(talks, said, strict=True):
                shown.append(self._shown(actions))
                for text in (each.frame for each in actions if isinstance(each, Send)):
                    for answer in vendor.received(text) if vendor is not None else ():
                        if isinstance(answer, str):
                            shown.append(self._shown(received(protocol, answer.encode(), AT)))
        for frame in self.examples():
            for protocol, _, shown in talks:
                shown.append(self._shown(received(protocol, frame, AT)))
        return [shown for _, _, shown in talks]

    def _shown(self, outcome: tuple[Action, ...] | Exception) -> Any:
        """What can be compared between connections."""
        if isinstance(outcome, Exception):
            return f"{type(outcome).__name__}: {outcome}"
        return [self._comparable(each) for each in outcome]

    def _comparable(self, action: Action) -> Any:
        match action:
            case Send(str() as frame):
                return Send(self.comparable(frame))
            case Request():
                return f"a request to {action.reason}"  # each has a flow of its own
        return action

    @rule(Level.SILVER)
    def test_ticks_quietly(self) -> None:
        """A tick that raises ends the connection, for no fault of the vendor's."""
        protocol = self.provider.protocol(FEED)
        tuple(protocol.opened())
        for topic in self.topics():
            tuple(protocol.subscribe(topic))
        for second in range(TICKS):
            actions = tuple(protocol.tick(AT + timedelta(seconds=second), 1.0))
            assert all(isinstance(each, ACTIONS) for each in actions), f"{actions} are no actions"

    @rule(Level.BRONZE)
    def test_hides_secrets_from_reprs(self) -> None:
        """Whatever is shown in a traceback or a log must show no secret."""
        secrets = self.secrets() or self.not_applicable("the provider has no secret")
        protocol = self.provider.protocol(FEED)
        actions = [*protocol.opened(), *(each for topic in self.topics() for each in protocol.subscribe(topic))]
        shown = {
            "the provider's repr": repr(self.provider),
            "the repr of what its login returns": repr(self.logged_in),
            "the dialect's repr": repr(self.provider.dialect),
            **self.shown_endpoint(),
            "the protocol's repr": repr(protocol),
            "an action's repr": repr(actions),
        }
        found = [what for what, text in shown.items() if any(secret in text for secret in secrets)]
        assert not found, f"{found[0]} shows a secret"

    @rule(Level.GOLD)
    def test_survives_any_answer(self) -> None:
        """A REST interface that is broken costs one backfill or one attempt, and never the feed."""
        ways = [*self._exchanges()] or self.not_applicable("it asks nothing by REST")
        bodies = st.binary(max_size=50) | json_values().map(msgspec.json.encode)
        answers = st.builds(Response, st.sampled_from(STATUSES), body=bodies)
        for way in ways:
            for status in (*STATUSES, None):  # some exchanges go on for as long as they get the same answer
                _drive(way(), [None if status is None else Response(status, body=b"{}")])

        @given(st.sampled_from(ways), st.lists(answers | st.just(None), min_size=1, max_size=5))
        def law(way: Any, said: list[Response | None]) -> None:
            _drive(way(), said)

        law()

    def _exchanges(self) -> Any:
        provider: Any = self.provider
        if self.authenticates:
            yield provider.authenticate
        if self.backfills:
            yield lambda: provider.protocol(FEED).backfill(AT - timedelta(minutes=5), AT)
            yield lambda: provider.protocol(FEED).backfill(None, AT)


def _drive(exchange: HTTPFlow[Any], said: list[Response | None]) -> None:
    """Answer with these, over and over, ``None`` for no answer; fails where the exchange raises what it may not."""
    try:
        next(exchange)
        for number in range(MOST_REQUESTS):
            answer = said[number % len(said)]
            if answer is None:
                exchange.throw(RestError("no answer"))
            else:
                exchange.send(answer)
    except StopIteration:
        return
    except JackfieldError:
        return
    finally:
        exchange.close()
    raise AssertionError(f"it has asked {MOST_REQUESTS} times and goes on")
