"""A small dialect that keeps every law."""

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import NoTopicError

KINDS = {"call": {"started": "call.initiated", "ended": "call.cleared"}, "agent": {"ready": "agent.ready"}}
SOURCE = Source("acme", "account", "A")


class AcmeDialect:
    """Topics ``resource/id``, a star for either; an id's slash and star are percent-encoded."""

    def topics_of(self, selector):
        kind, address = selector
        if address.scope not in (None, "account") or address.scope_id not in (None, "A"):
            return ()
        resources = [address.resource] if address.resource else list(KINDS)
        identity = "*" if address.resource_id is None else escape(address.resource_id)
        return tuple(
            f"{resource}/{identity}"
            for resource in resources
            if resource in KINDS and any(map(kind.matches, self.kinds_of(address._replace(resource=resource))))
        )

    def pattern_of(self, topic):
        resource, identity = (None if part == "*" else unescape(part) for part in topic.split("/"))
        return AddressPattern("acme", "account", "A", resource, identity)

    def covers(self, topic, other):
        return self.pattern_of(topic).covers(self.pattern_of(other))

    def matches(self, topic, published):
        return all(mine in ("*", theirs) for mine, theirs in zip(topic.split("/"), published.split("/"), strict=True))

    def describe(self, topic):
        return self.pattern_of(topic), ""

    def address_of(self, topic, event):
        resource, identity = topic.split("/")
        return Address("acme", "account", "A", resource, unescape(identity), event)

    def native_of(self, address):
        if address.resource not in KINDS:
            raise NoTopicError("no such resource")
        return f"{address.resource}/{escape(address.resource_id)}", address.event

    def kinds_of(self, pattern):
        words = KINDS.get(pattern.resource, {})
        if pattern.event is None:
            return frozenset({*words.values(), f"unmapped.{pattern.resource}"})
        return frozenset({words.get(pattern.event, f"unmapped.{pattern.resource}")})


def escape(text):
    return text.replace("%", "%25").replace("/", "%2F").replace("*", "%2A")


def unescape(text):
    return text.replace("%2A", "*").replace("%2F", "/").replace("%25", "%")
