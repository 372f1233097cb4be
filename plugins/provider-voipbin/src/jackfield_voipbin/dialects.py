"""Selectors into VoIPBIN's topics and topics into addresses, in three dialects.

Documented, a topic has four segments and ``*`` for a free one. Deployed, a topic is the prefix of those that it
matches, and each event is published under two: ``…:call:<id>`` and ``…:call:call_hangup:<id>``. So a topic may name the
event. Where the kind of server is not known both are asked for: ``auto`` plans in documented topics, each of which is
sent in all spellings.

A topic has no escape. An id that holds ``:`` or ``*`` cannot be subscribed to by itself: the whole
resource is, and the rest filtered here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import attrs

from jackfield.addresses import Address, AddressPattern
from jackfield.errors import NoTopicError
from jackfield.selectors import Selector
from jackfield_voipbin.published_names import (
    DOCUMENTED_ONLY,
    RESOURCES,
    kinds_at,
    names_of,
    names_under,
    resources_of,
)
from jackfield_voipbin.spellings import named_event, published_as, spellings
from jackfield_voipbin.topics import PROVIDER, Topic, event_word, matches_documented, matches_prefix, parse_topic

__all__ = ["AutoDialect", "DocumentedDialect", "PrefixDialect", "scope_of"]

_SYNTAX = re.compile(r"[:*]")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@attrs.frozen
class DocumentedDialect:
    """Topics as the documentation has them, for one customer's feed."""

    customer_id: str

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """One topic for each resource, with its id or ``*``."""
        scope = scope_of(selector.address, self.customer_id)
        resource_id = _expressible(selector.address.resource_id)
        return tuple(f"{scope}:{each or '*'}:{resource_id or '*'}" for each in _resources(selector) if scope)

    def pattern_of(self, topic: str) -> AddressPattern:
        """Exactly what the four segments say."""
        scope, scope_id, resource, resource_id = _four(topic)
        return AddressPattern(PROVIDER, _our_scope(scope), _free(scope_id), _free(resource), _free(resource_id))

    def covers(self, topic: str, other: str) -> bool:
        """Segment by segment."""
        return self.pattern_of(topic).covers(self.pattern_of(other))

    def matches(self, topic: str, published: str) -> bool:
        """The documented matcher."""
        return matches_documented(topic, published)

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """What it brings, and nothing beyond that."""
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        """Four segments and the event's word."""
        return _placed(parse_topic(topic), event)

    def native_of(self, address: Address) -> tuple[str, str]:
        """The documented topic and dotted name."""
        return _native(address, "."), f"{address.resource}.{address.event}"

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """By the table of events."""
        return _kinds_of(pattern)


@attrs.frozen
class PrefixDialect:
    """Topics as the platform is deployed: prefixes of those that they match; for one customer's feed."""

    covers_by_prefix: ClassVar[bool] = True
    customer_id: str

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """One for each resource, ended with a colon unless an id follows, or one for each of its events."""
        scope = scope_of(selector.address, self.customer_id)
        return tuple(f"{scope}:{each}" for each in _ends_of(selector, "", ":") if scope)

    def pattern_of(self, topic: str) -> AddressPattern:
        """What its whole segments say, those that a colon ends; the last may go on in any way."""
        scope, *rest = topic.split(":")
        if scope not in ("customer_id", "agent_id") or not rest or not all(rest[:-1] or rest):
            raise ValueError(f"{topic!r} does not begin with customer_id:<id> or agent_id:<id>")
        scope_id, resource = (*rest[:-1], None, None)[:2]
        return AddressPattern(PROVIDER, _our_scope(scope), scope_id, resource)

    def covers(self, topic: str, other: str) -> bool:
        """Where the other begins with it."""
        return other.startswith(topic)

    def matches(self, topic: str, published: str) -> bool:
        """The deployed matcher, which finds what is published under the longer topic under the shorter one too."""
        return any(matches_prefix(topic, each) for each in published_as(published))

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """The topic with its last segment taken as whole, and what else begins with it.

        Nothing does where it ends with a colon or a whole UUID. A fourth segment that begins with the
        resource is an event's name, as in ``customer_id:<id>:call:call_hangup``.
        """
        wide = self.pattern_of(topic)
        _, scope_id, *rest = topic.split(":")
        resource, *further = (each or None for each in (*rest, ""))
        event = None
        if resource and further[0] and further[0].startswith(f"{resource}_"):
            event, further = event_word(further[0], resource), further[1:]
        resource_id, *_ = (*further, None)
        pattern = AddressPattern(*wide[:2], scope_id, resource, resource_id, event)
        return pattern, self._surplus(topic)

    def _surplus(self, topic: str) -> str:
        *_, last = topic.split(":")
        if not last or _UUID.fullmatch(last):
            return ""
        if "*" in last:
            return f"{topic}: the deployed platform has no wildcard, '*' stands for itself"
        if topic.count(":") == 3 and named_event(topic):
            return ""
        others = [each for each in RESOURCES if each.startswith(last) and each != last]
        more = ", ".join(others) if topic.count(":") == 2 else f"whatever else begins with {last}"
        return f"{topic} is a prefix: it also brings {more}" if more else ""

    def address_of(self, topic: str, event: str) -> Address:
        """Four segments, or five of which the fourth is the event's name, as the platform publishes both."""
        scope, *rest = topic.split(":")
        if len(rest) == 4 and all(rest):
            scope_id, resource, name, resource_id = rest
            return Address.of(PROVIDER, _our_scope(scope), scope_id, resource, resource_id, event_word(name, resource))
        return _placed(parse_topic(topic), event)

    def native_of(self, address: Address) -> tuple[str, str]:
        """The longer of the two topics that the platform publishes under, and the underscored name."""
        shorter, name = _native(address, "_"), f"{address.resource}_{address.event}"
        if name in DOCUMENTED_ONLY or ":" in address.event:
            raise NoTopicError(f"the deployed platform publishes no event {name!r}")
        return f"{shorter.removesuffix(address.resource_id)}{name}:{address.resource_id}", name

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """By the table of events."""
        return _kinds_of(pattern)


@attrs.frozen
class AutoDialect:
    """Topics for a server of either kind, for one customer's feed: documented ones, each sent in both spellings."""

    customer_id: str

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """As documented, or named by the event as deployed; of every resource all, since no prefix leaves it free."""
        scope = scope_of(selector.address, self.customer_id)
        return tuple(f"{scope}:{each}" for each in _ends_of(selector, "*:*", ":*") if scope)

    def pattern_of(self, topic: str) -> AddressPattern:
        """As documented, but for the id, which as deployed is the prefix of others."""
        return DocumentedDialect(self.customer_id).pattern_of(topic)._replace(resource_id=None)

    def covers(self, topic: str, other: str) -> bool:
        """Segment by segment: what both kinds of server do."""
        return self.describe(topic)[0].covers(self.describe(other)[0])

    def matches(self, topic: str, published: str) -> bool:
        """Either matcher, for any of the spellings."""
        return any(
            matches_documented(text, each) or matches_prefix(text, each)
            for text in spellings(topic)
            for each in published_as(published)
        )

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """What it says as documented, or the event that it names, and what else begins with an id but a whole UUID."""
        documented = DocumentedDialect(self.customer_id).pattern_of(topic)
        if named_event(topic):
            return PrefixDialect(self.customer_id).describe(topic)
        surplus = "" if "*" in topic.split(":") else PrefixDialect(self.customer_id).describe(topic)[1]
        return documented, surplus

    def address_of(self, topic: str, event: str) -> Address:
        """Four segments as documented, or five as deployed."""
        return PrefixDialect(self.customer_id).address_of(topic, event)

    def native_of(self, address: Address) -> tuple[str, str]:
        """The topic on which both kinds of server agree, and the documented name."""
        return DocumentedDialect(self.customer_id).native_of(address)

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """By the table of events."""
        return _kinds_of(pattern)


def _our_scope(scope: str) -> str:
    return scope.removesuffix("_id")


def _free(segment: str) -> str | None:
    return None if segment == "*" else segment


def _expressible(segment: str | None) -> str | None:
    """A segment that a topic can say; ``None``, for any, where it cannot."""
    return None if segment is None or _SYNTAX.search(segment) else segment


def _four(topic: str) -> list[str]:
    segments = topic.split(":", 3)
    if len(segments) != 4 or not all(segments) or not segments[0].endswith("_id"):
        raise ValueError(f"{topic!r} is not a topic <scope>_id:<scope id>:<resource>:<resource id>")
    return segments


def scope_of(address: AddressPattern, customer_id: str) -> str:
    """The first half of the topics; empty where the pattern is about somebody else."""
    scope, scope_id = address.scope, address.scope_id
    if scope in (None, "customer") and scope_id in (None, customer_id):
        return f"customer_id:{customer_id}"
    if scope in (None, "agent") and scope_id is not None:
        if _SYNTAX.search(scope_id):
            raise NoTopicError(f"VoIPBIN's topics cannot hold the agent id {scope_id!r}: it has ':' or '*'")
        return f"agent_id:{scope_id}"
    if scope == "agent":
        raise NoTopicError("VoIPBIN has no topic for the events of all agents; name one: voipbin/agent/<id>/**")
    return ""


def _resources(selector: Selector) -> list[str | None]:
    """The resources to subscribe to, ``None`` for all; none where no event can match the selector."""
    kind, address = selector
    resource = _expressible(address.resource)
    if address.resource is not None:
        found = kinds_at(address.resource, address.event)
        return [resource] if any(kind.matches(each) for each in found) else []
    resources = resources_of(kind)
    if resources is None:
        return [None]
    return [each for each in resources if any(kind.matches(other) for other in kinds_at(each, address.event))]


def _ends_of(selector: Selector, every: str, whole: str) -> Iterator[str]:
    """The topics behind the scope: every resource, a whole one, a thing of it, or each event of it that is meant."""
    kind, address = selector
    resource_id = _expressible(address.resource_id)
    for resource in _resources(selector):
        if resource is None:
            yield every
        elif resource_id is not None and resource_id not in names_under(resource):
            yield f"{resource}:{resource_id}"
        elif names := names_of(resource, kind, address.event):
            yield from (f"{resource}:{name}" for name in names)
        else:
            yield f"{resource}{whole}"


def _kinds_of(pattern: AddressPattern) -> frozenset[str]:
    resources = RESOURCES if pattern.resource is None else (pattern.resource,)
    return frozenset().union(*(kinds_at(each, pattern.event) for each in resources))


def _placed(topic: Topic, event: str) -> Address:
    word = event_word(event, topic.resource)
    return Address.of(PROVIDER, topic.scope, topic.scope_id, topic.resource, topic.resource_id, word)


def _native(address: Address, separator: str) -> str:
    if address.scope not in ("customer", "agent"):
        raise NoTopicError(f"VoIPBIN has no scope {address.scope!r} (there are customer, agent)")
    if _SYNTAX.search(address.scope_id + address.resource) or ":" in address.resource_id:
        raise NoTopicError("VoIPBIN's topics cannot hold ':' in an id, nor '*' in a scope id or a resource")
    if event_word(f"{address.resource}{separator}{address.event}", address.resource) != address.event:
        raise NoTopicError(f"VoIPBIN has no event {address.event!r} of {address.resource!r}")
    return f"{address.scope}_id:{address.scope_id}:{address.resource}:{address.resource_id}"
