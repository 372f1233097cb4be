"""A feed of one event by its deployed name: whatever comes over its connection is that event, and needs no guess.

The platform's websocket sends bare resources, and some events leave the same: speech that starts and speech that ends,
a participant who is added and one who is removed. What was subscribed to then tells them apart, if it is one event.
"""

from __future__ import annotations

import attrs

from jackfield.selectors import Selector
from jackfield_voipbin.dialects import PrefixDialect, scope_of
from jackfield_voipbin.kinds import native_name
from jackfield_voipbin.published_names import DEPLOYED_NAMES, kinds_at
from jackfield_voipbin.spellings import is_prefix
from jackfield_voipbin.topics import event_word

__all__ = ["SingleEventDialect", "check_event"]


@attrs.frozen
class SingleEventDialect(PrefixDialect):
    """As deployed, and of each selector no more than one event's topic."""

    event: str

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """The event's topic, if it may be meant."""
        resource, _ = native_name(self.event)
        word = event_word(self.event, resource)
        kind, address = selector
        meant = address.resource in (None, resource) and address.event in (None, word)
        if not meant or not any(map(kind.matches, kinds_at(resource, word))):
            return ()
        scope = scope_of(address, self.customer_id)
        return (f"{scope}:{resource}:{self.event}",) if scope else ()


def check_event(_instance: object, _attribute: object, name: str | None) -> None:
    """`ValueError` where the deployed platform publishes no event of this name, or more than it under its topic."""
    if name is None:
        return
    resource, _ = native_name(name)
    names = DEPLOYED_NAMES.get(resource, ())
    if name not in names:
        known = ", ".join(names) or ", ".join(sorted(DEPLOYED_NAMES))
        raise ValueError(f"{name!r} is not an event that the platform publishes (there are: {known})")
    if is_prefix(name):
        raise ValueError(f"the topic of {name!r} brings other events too, whose names begin with it")
