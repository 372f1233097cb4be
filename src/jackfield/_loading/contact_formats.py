"""Forms of a contact that plugins offer: no two for one media type, and what they write is checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jackfield._loading.discovery import plugin_code
from jackfield.errors import PluginError
from jackfield.events import Event
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.sink import Sink

__all__ = ["check_media_types", "write_contact"]


def check_media_types(offered: Iterable[ContactFormat], taken: Iterable[ContactFormat]) -> None:
    """`PluginError` where two have the same."""
    known = {each.media_type for each in taken}
    for each in offered:
        if each.media_type in known:
            raise PluginError(f"jackfield_contact_formats: there is already a form with {each.media_type!r}")
        known.add(each.media_type)


def write_contact(form: ContactFormat, events: Sequence[Event], sinks: Sequence[Sink]) -> bytes:
    """One contact as a plugin writes it; `PluginError` where the plugin fails."""
    with plugin_code(f"the contact format {form.name!r} failed:"):
        written: object = form.write(events, sinks)
    if not isinstance(written, bytes):
        raise PluginError(f"the contact format {form.name!r} must write bytes, not {type(written).__name__}")
    return written
