"""What the author of a provider declares, for the suite to try it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar

from hypothesis import strategies as st

from jackfield._loading.guard import provider_code
from jackfield._routing.planner import plan_topics
from jackfield.addresses import AddressPattern
from jackfield.errors import JackfieldError, NoTopicError, SecretError
from jackfield.events import Event
from jackfield.kinds import KIND_NAMES, UNMAPPED, Kind
from jackfield.plugin.http import Request, Response
from jackfield.plugin.protocol import Action, Emit, FeedProtocol, Send
from jackfield.plugin.provider import Provider, relays
from jackfield.plugin.secrets import iter_secrets
from jackfield.plugin.simulator import Simulator, SupportsGreeting
from jackfield.plugin.webhook import WebhookRequest
from jackfield.selectors import ANY_KIND, EVERYTHING, Selector
from jackfield.testing._by_hand import logged_in
from jackfield.testing._harness import FEED, Vendor
from jackfield.testing._world import World
from jackfield.testing.laws import TranslationLaws

__all__ = ["AT", "ProviderDeclaration", "post", "simulated_events", "simulated_frames"]

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When a frame comes, wherever that must not matter."""
# A protocol may ask at a pace: how many seconds of it are let pass to have everything asked for.
PACE_SECONDS = 60


class ProviderDeclaration(TranslationLaws):
    """The provider, some frames of its vendor's, and what that vendor can do."""

    provider: Provider
    """A configured feed; its secrets as text, so that the suite can look for them."""
    selector: ClassVar[Selector] = EVERYTHING
    """What is subscribed to when the suite connects; something that the vendor has topics for."""
    kinds: ClassVar[Sequence[Kind]] = ()
    """Kinds of the plugin's own, as it registers them by ``jackfield_kinds``."""
    acknowledges: ClassVar[bool] = False
    """Whether the vendor answers each subscription, so that silence means that there is none."""
    refuses: ClassVar[bool] = False
    """Whether the vendor says so where it does not serve a topic."""
    unsubscribes: ClassVar[bool] = True
    """Whether the vendor must get an unsubscribe when a topic is no longer wanted."""
    authenticates: ClassVar[bool] = False
    """Whether the provider has `SupportsAuthentication`."""
    backfills: ClassVar[bool] = False
    """Whether its protocol has `SupportsBackfill`."""
    webhooks: ClassVar[bool] = False
    """Whether it `SupportsWebhooks`, as `provider` is configured."""

    signs: ClassVar[bool] = False
    """Whether the vendor signs its webhooks, so that what somebody else sends is rejected."""
    ids: ClassVar[st.SearchStrategy[str] | None] = None
    """The vendor's ids, where they have a form that the dialect insists on, such as ``st.uuids().map(str)``."""
    roster: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The ids that exist, by resource, where the vendor has no wildcards and the dialect names each agent or queue."""
    bounds: ClassVar[Sequence[str]] = ()
    """The constants that bound what a protocol remembers, such as ``"jackfield_acme.calls.MOST_CALLS"``.

    The suite makes each of them small for the rule about memory, so that it sees within a few frames that they hold.
    """

    def examples(self) -> Sequence[bytes]:
        """Frames of the vendor's, each with at least one event and no two with the same."""
        raise NotImplementedError

    def posts(self) -> Sequence[WebhookRequest]:
        """Webhooks as the vendor sends them, signed for `provider`; `post` makes one."""
        return ()

    def shown_endpoint(self) -> dict[str, str]:
        """What is shown of where it connects to; of a provider that connects to nothing nothing."""
        return {}

    def copies(self) -> Sequence[Sequence[bytes]]:
        """Groups of frames; those of each group are copies of the same events."""
        return ()

    def vendor(self, *, refuses: bool = False) -> Vendor | None:
        """The vendor's side of one connection, which serves every topic, or none; ``None`` where it never answers."""
        return None

    def rest(self, request: Request) -> Response:
        """The vendor's answer by REST; the request's URL is a path and a query."""
        return Response(404)

    def subscribes(self, request: Request) -> bool:
        """Whether a request by REST is one that subscribes or unsubscribes: by default what may change something."""
        return request.method not in ("GET", "HEAD", "OPTIONS")

    def served(self, vendor: Vendor | None) -> Collection[str] | None:
        """The topics that the vendor serves on its newest connection; ``None`` where the suite does not know.

        With it the suite sees that a topic was not only asked for, but as the vendor understands it.
        """
        return None

    def comparable(self, frame: str) -> str:
        """A frame of ours without what is drawn by lot on each connection, so that the rest can be compared."""
        return frame

    @property
    def world(self) -> World:
        """What the laws of translation are tried with: mostly what is in the examples, with other ids."""
        addresses = [event.address for frame in self.examples() for event in self.emitted(frame)]
        resources = sorted({address.resource for address in addresses})
        words = sorted({address.event for address in addresses})
        return World(
            self.logged_in.dialect,
            self.provider.source,
            resources=resources,
            words=words,
            ids=self.ids,
            roster=self.roster,
        )

    # -- for the rules -----------------------------------------------------------------------------

    @cached_property
    def logged_in(self) -> Provider:
        """The provider after a login, where it has one that succeeds."""
        return logged_in(self.provider, self.rest)

    def topics(self) -> tuple[str, ...]:
        """The topics that the suite subscribes to."""
        return _topics(self.logged_in, self.selector)

    def some_topics(self, most: int) -> tuple[str, ...]:
        """Topics of single things in the examples, at most so many, none of which covers another, as in any plan."""
        found = dict.fromkeys(self.topics()[:1])
        events = [event for frame in self.examples() for event in self.emitted(frame)]
        selectors = [Selector(ANY_KIND, AddressPattern.exactly(event.address)) for event in events]
        for count in range(1, len(selectors)):
            with contextlib.suppress(NoTopicError):
                topics = plan_topics(self.provider.source.provider, self.logged_in.dialect, selectors[:count]).topics
                if len(topics) > most:
                    break
                found = dict.fromkeys(topics)
        return tuple(found)

    @staticmethod
    def moment(seconds: float) -> datetime:
        """So many seconds after `AT`."""
        return AT + timedelta(seconds=seconds)

    def secrets(self) -> list[str]:
        """The texts that must not show."""
        found = []
        for _, secret in iter_secrets(self.provider):
            try:
                found.append(secret.reveal())
            except SecretError:  # one that is read from elsewhere, and is not there
                continue
        return found

    def problems_of(self, event: Event, origins: Sequence[str]) -> list[str]:
        """Each thing that is wrong with an event that was read at `AT`, in words."""
        known, dialect = KIND_NAMES | {each.name for each in self.kinds}, self.provider.dialect
        problems = {
            "another feed": event.feed != FEED,
            "another provider": event.address.provider != self.provider.source.provider and not relays(dialect),
            "a kind that nobody knows": event.kind not in known and not event.kind.startswith(f"{UNMAPPED}."),
            "an empty segment": not all(event.address),
            "no id": not event.id,
            "another moment of receipt": event.received != AT,
            "a time that is not in UTC": event.time is not None and event.time.utcoffset() != timedelta(0),
            f"another origin than {' or '.join(origins)}": event.origin not in origins,
        }
        return [problem for problem, wrong in problems.items() if wrong]

    def read(self, frame: bytes, at: datetime = AT) -> tuple[Action, ...] | Exception:
        """What a fresh protocol makes of a frame, or what it raises."""
        return received(self.provider.protocol(FEED), frame, at)

    def emitted(self, frame: bytes) -> list[Event]:
        """The events in a frame; none where it cannot be read."""
        outcome = self.read(frame)
        return [] if isinstance(outcome, Exception) else [each.event for each in outcome if isinstance(each, Emit)]


def received(protocol: FeedProtocol, frame: bytes, at: datetime) -> tuple[Action, ...] | Exception:
    """What a protocol makes of a frame, or what it raises: some rule is about that, and others are not."""
    try:
        with provider_code():
            return tuple(protocol.received(frame, at))
    except JackfieldError as error:
        return error


def _topics(provider: Provider, selector: Selector) -> tuple[str, ...]:
    return plan_topics(provider.source.provider, provider.dialect, [selector]).topics


def post(
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    target: str = "/webhooks/conformance",
    authority: str = "https://gateway.example",
) -> WebhookRequest:
    """A request as a vendor sends it to a gateway; `target` is the path and the query."""
    given = {name.lower(): value for name, value in (headers or {"content-type": "application/json"}).items()}
    return WebhookRequest(method, target, authority + target, given, body, AT)


def simulated_frames(provider: Provider, simulator: Simulator, most: int = 60) -> tuple[bytes, ...]:
    """The frames in which a provider's simulator tells a feed the first so many events of its day.

    The feed subscribes to everything first, as it does at the real server; no frame comes twice.
    """
    protocol, client = provider.protocol(FEED), simulator.client()
    actions: list[Action] = [*protocol.opened()]
    for greeting in client.opened() if isinstance(client, SupportsGreeting) else ():
        actions += protocol.received(greeting.encode() if isinstance(greeting, str) else greeting, AT)
    for topic in _topics(provider, EVERYTHING):
        actions += protocol.subscribe(topic)
    for second in range(PACE_SECONDS):
        said, actions = [each.frame for each in actions if isinstance(each, Send)], []
        at = AT + timedelta(seconds=second)
        for answer in itertools.chain.from_iterable(map(client.received, said)):
            if isinstance(answer, str):
                actions += protocol.received(answer.encode(), at)
        actions += protocol.tick(at, 1.0)
    moments = (AT + timedelta(seconds=second) for second in itertools.count())
    events = itertools.islice(simulator.events(lambda: next(moments)), most)
    frames = itertools.chain.from_iterable(map(client.frames_for, events))
    return tuple(dict.fromkeys(frame.encode() for frame in frames))


def simulated_events(provider: Provider, simulator: Simulator, most: int = 60) -> tuple[Event, ...]:
    """The events that a provider reads in these frames, by one connection."""
    protocol = provider.protocol(FEED)
    read = (received(protocol, frame, AT) for frame in simulated_frames(provider, simulator, most))
    actions = itertools.chain.from_iterable(each for each in read if not isinstance(each, Exception))
    return tuple(action.event for action in actions if isinstance(action, Emit))
