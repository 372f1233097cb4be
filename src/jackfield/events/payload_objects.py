"""An event's payload as objects: made of its text at their first use, and let go where nobody uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jackfield.events.json_text import decode_data

__all__ = ["payload_objects"]


def payload_objects(slot: Any) -> tuple[property, Callable[[Any], bool]]:
    """The field `data` of events around its slot, which may be empty where there is a text; and what empties it.

    And not by `__getattr__`: a class that has one pays for it at each access to any of its fields.
    """
    read, write, clear = slot.__get__, slot.__set__, slot.__delete__

    def get(event: Any) -> Any:
        try:
            return read(event)
        except AttributeError:
            data = None if event.data_json is None else decode_data(event.data_json)
            write(event, data)
            return data

    def let_go(event: Any) -> bool:
        try:
            if event.data_json is not None:
                clear(event)
        except AttributeError:  # they were never made
            return False
        return True

    return property(get, write, doc="The vendor's payload as JSON objects."), let_go
