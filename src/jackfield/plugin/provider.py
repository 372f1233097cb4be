"""What a provider is: the plugin that speaks one vendor's dialect.

A provider is an attrs class of options, one object for each configured feed, with four members:
`source`, `endpoint`, `protocol` and `dialect`. It is offered to the host as a `ProviderSpec` by the
hook ``jackfield_providers``. One that must log in has `SupportsAuthentication` too, one whose vendor sends webhooks
`jackfield.plugin.webhook.SupportsWebhooks`, and one whose vendor wants longer waits than it asks for
`SupportsHandshakeBackoff`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.secrets import redact_url
from jackfield.plugin.simulator import Simulator
from jackfield.plugin.transport import AnyEndpoint
from jackfield.selectors import Selector

if TYPE_CHECKING:  # the reducers need not be there before a feed is
    import jackfield.state

__all__ = [
    "Dialect",
    "Plan",
    "PlanEntry",
    "Provider",
    "ProviderSpec",
    "SupportsAuthentication",
    "SupportsHandshakeBackoff",
    "SupportsResume",
    "SupportsSync",
    "display_url",
    "relays",
    "resumes",
    "stall_limit",
]


class Dialect(Protocol):
    """How a vendor's topics and our addresses translate into each other; pure.

    The laws that a dialect keeps are in `jackfield.testing.laws`, to be run against any dialect. A
    *topic* is what one subscribes to, with whatever wildcards the vendor has; a *published* topic is
    the one under which an event comes.
    """

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """The topics that together bring everything that the selector matches on this feed.

        They may bring more, which the host filters. None where the vendor has nothing of it;
        `NoTopicError` where it has, and no topic for it.
        """
        ...

    def pattern_of(self, topic: str) -> AddressPattern:
        """A pattern that covers the address of whatever a topic brings; `ValueError` for a text that is not a topic."""
        ...

    def covers(self, topic: str, other: str) -> bool:
        """Whether a topic brings everything that another brings.

        Then what it says, by `describe`, covers what the other says: the planner looks covers up by that. Where a
        vendor matches topics by raw prefix this does not hold; such a dialect has ``covers_by_prefix = True``, and its
        topics cover those that their texts begin.
        """
        ...

    def matches(self, topic: str, published: str) -> bool:
        """The vendor's own matcher: whether a subscription to a topic brings what is published under another."""
        ...

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """What a topic's text says, and in words for an operator what it brings beyond that; mostly nothing.

        `ValueError` for a text that is not a topic.
        """
        ...

    def address_of(self, topic: str, event: str) -> Address:
        """The address of an event that was published with this topic and this name; `ValueError` for neither."""
        ...

    def native_of(self, address: Address) -> tuple[str, str]:
        """The topic and the name under which the vendor publishes an event with this address.

        `NoTopicError` where it publishes none: the address is outside what the vendor can say.
        """
        ...

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """The kinds that events at such addresses can have, as far as the vendor's resources are known."""
        ...


@attrs.frozen
class PlanEntry:
    """What became of one selector in a `Plan`."""

    selector: Selector
    topics: tuple[str, ...] = ()
    """The topics that serve it, empty where the vendor has none, or needs none since it posts everything to us."""
    filtered: bool = False
    """True if the topics deliver a superset, which is filtered here."""
    reason: str = ""
    """Why the vendor has no topic for it; empty where it has."""
    surplus: tuple[str, ...] = ()
    """What its topics bring that their texts do not say."""


@attrs.frozen
class Plan:
    """The topics that one feed must be subscribed to, and how that came about."""

    topics: tuple[str, ...]
    """The smallest set, sorted: none of them is covered by another."""
    entries: tuple[PlanEntry, ...]
    """One row for each selector that concerns the feed, in the order they were given."""


class Provider(Protocol):
    """One configured feed of a vendor; implemented by the class that `ProviderSpec.cls` names."""

    @property
    def source(self) -> Source:
        """Whose events the feed brings."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The feed's translation of topics."""
        ...

    def endpoint(self) -> AnyEndpoint:
        """Where to connect to now, and by which transport; called before every attempt, so a token is read anew."""
        ...

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> FeedProtocol:
        """A fresh protocol for one connection of the feed of this name.

        `before` is that of the feed's last connection, from which it may take over what was learned of the vendor.
        """
        ...


def relays(dialect: Dialect) -> bool:
    """Whether a dialect's topics bring other providers' events as they are, and their ``stream`` facts.

    A dialect states it as ``relays = True``: one of a feed that reads what another gateway has written. It is asked for
    the topics of every selector, not only of those that can match its own provider's addresses.
    """
    return getattr(dialect, "relays", False) is True


STALL_SECONDS = 5.0


def stall_limit(provider: Provider) -> float:
    """How long this process may stand still before events of the provider's vendor may be missing.

    A provider states it as ``stall_seconds``, in seconds, with its source; `STALL_SECONDS` where it does not.
    """
    seconds: float = getattr(provider, "stall_seconds", STALL_SECONDS)
    return seconds


def display_url(provider: Provider) -> str:
    """Where a feed connects to, as it may be shown; needs no secret, and no login.

    A provider states it as ``display_url``; where it does not, it is made from the option ``url``. Empty for neither.
    """
    url = getattr(provider, "display_url", None) or getattr(provider, "url", None)
    return redact_url(str(url)) if url else ""


@runtime_checkable
class SupportsAuthentication(Protocol):
    """A provider that must ask for its credentials, or about them, before it can connect."""

    def authenticate(self, before: Provider | None = None) -> HTTPFlow[Provider]:
        """Get fresh credentials; the provider that is returned holds them and takes this one's place.

        Called before every attempt to connect, always of the configured provider. `before` is what the last login of
        this feed returned, from which it may keep what is still good, such as a token or a channel. `RestError` where
        the vendor does not answer, with `auth_failed` if it rejects us; the message names what is missing.
        """
        ...


@runtime_checkable
class SupportsResume(Protocol):
    """A provider whose vendor goes on behind an event that was stored, so that a lost connection is no gap.

    Each of its events has a token (`Emit`): an offset, a replay id; or a delivery tag, where the vendor keeps what was
    not acknowledged. Its protocol has `SupportsCommit`.
    """

    def resume_from(self, token: str) -> AnyEndpoint:
        """Where to connect to for what came after the event with this token, the feed's newest that is stored.

        Called in place of `endpoint`, which is called as long as there is no token. What was received and not stored
        comes again; copies are left out by their ids.
        """
        ...


def resumes(provider: Provider, token: str | None) -> bool:
    """Whether the provider's vendor goes on behind what is stored, so that no time without a connection is a gap.

    `token` is the feed's newest that is stored. Without one it is so only where the provider states
    ``endpoint_resumes = True``: its `endpoint` begins with everything that the vendor keeps, and not with what
    comes next.
    """
    if not isinstance(provider, SupportsResume):
        return False
    return token is not None or getattr(provider, "endpoint_resumes", False)


@runtime_checkable
class SupportsSync(Protocol):
    """A provider whose vendor lists by REST what there is now, so that a program that starts late knows it."""

    def sync(self) -> HTTPFlow[jackfield.state.Sync]:
        """What the vendor lists, as far as it really does: what it does not list is unknown, not empty.

        Called when a program asks for the state, after each subscription, of the provider that the last login
        returned. `RestError` where the vendor does not answer.
        """
        ...


@runtime_checkable
class SupportsHandshakeBackoff(Protocol):
    """Optional: the minimum wait after an HTTP status, for vendors that send no Retry-After."""

    def retry_after(self, status: int) -> float:
        """Seconds to wait at least after a handshake was answered with this HTTP status; 0 for no more than usual."""
        ...


@attrs.frozen
class ProviderSpec:
    """What a plugin offers through the hook ``jackfield_providers``."""

    name: str
    """What a configuration says as ``provider = "…"``."""
    summary: str
    """One line for ``jackfield plugins``."""
    cls: type[Provider]
    """The attrs class that a ``[feeds.…]`` table is structured into."""
    dialects: Callable[[str], Mapping[str, Dialect]]
    """The dialects of a feed with this scope id, by name; ``jackfield translate`` uses them."""
    decoder: Callable[[str], FeedProtocol]
    """A protocol that can only read, for a feed of this name; ``jackfield decode`` uses it."""
    simulator: Callable[[], Callable[..., Simulator]] | None = None
    """Imports and returns the attrs class of the provider's simulator, where it has one."""
