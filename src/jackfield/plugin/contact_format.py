"""How a plugin writes one contact in a form of its own, for programs that ask for that.

A plugin offers it as a `ContactFormat` by the hook ``jackfield_contact_formats``. The host gives it to clients of
``GET /v1/contacts/…`` that accept its media type; who may see what is decided before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from jackfield.events import Event
from jackfield.plugin.sink import Sink

__all__ = ["ContactFormat"]

_WORD = "[a-z0-9!#$&^_.+-]+"
_MEDIA_TYPE = re.compile(f"{_WORD}/{_WORD}")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def _is_name(_instance: Any, _attribute: Any, value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError(f"name: {value!r} is not a word of a-z, 0-9, _ and -, such as 'vcon'")


def _is_media_type(_instance: Any, _attribute: Any, value: str) -> None:
    if not _MEDIA_TYPE.fullmatch(value) or value == "application/json":
        raise ValueError(f"media_type: {value!r} is not one of its own, in lower case and without parameters")


@attrs.frozen
class ContactFormat:
    """What a plugin offers through the hook ``jackfield_contact_formats``."""

    name: str = attrs.field(validator=_is_name)
    """A word for it, such as ``vcon``."""
    media_type: str = attrs.field(validator=_is_media_type)
    """By which clients ask for it in ``Accept``, such as ``application/vcon+json``."""
    write: Callable[[Sequence[Event], Sequence[Sink]], bytes]
    """One contact in this form.

    Its arguments are the contact's events as far as the reader may see them, in the order of time, with the facts about
    missing events that fall between them; and the options of the gateway's sinks, of which it may use its own, so that
    a contact looks as in their files. Returns nothing where the form cannot say anything of such a contact. It is
    called from a thread, and neither waits nor changes anything.
    """
