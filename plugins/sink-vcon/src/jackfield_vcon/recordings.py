"""Where recordings are, and what was found there; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import attrs

from jackfield.events import Event
from jackfield_vcon.links import shown_text

__all__ = ["COMPLETED", "Content", "Link", "Recordings"]

COMPLETED = "recording.completed"
# Names under which payloads of vendors hold a link to the recording that they are about.
_FIELDS = ("url", "recording_url", "RecordingUrl")


@attrs.frozen
class Content:
    """What is at a link, or why that is not known."""

    content_hash: str = ""
    media_type: str = ""
    problem: str = ""


@attrs.frozen
class Link:
    """A recording's address."""

    url: str = attrs.field(repr=False)
    """As it is fetched; a vendor may have put a token into it."""
    is_configured: bool
    """Whether it was made of the operator's own template, so that his credentials are meant for its host."""

    @property
    def key(self) -> str:
        """What it is remembered by."""
        return hashlib.sha256(self.url.encode("utf-8", "replace")).hexdigest()

    @property
    def shown(self) -> str:
        """As it may be written."""
        return shown_text(self.url)


@attrs.frozen
class Recordings:
    """How to find recordings, and what is known of them."""

    templates: Mapping[str, str] = attrs.field(default=MappingProxyType({}))
    """By provider, a URL with ``{id}`` in place of a recording's id."""
    contents: Mapping[str, Content] = attrs.field(default=MappingProxyType({}))
    """What is at links, by their keys."""

    def link(self, event: Event) -> Link | None:
        """The link to the recording that an event is about; ``None`` where nobody gives one."""
        if template := self.templates.get(event.address.provider):
            return Link(template.replace("{id}", quote(event.address.resource_id, safe="")), is_configured=True)
        data = event.data if isinstance(event.data, dict) else {}
        for name in _FIELDS:
            if isinstance(url := data.get(name), str) and _is_http(url):
                return Link(url, is_configured=False)
        return None

    def wanted(self, events: Iterable[Event]) -> list[Link]:
        """The links of which nothing is known yet."""
        links = [link for event in events if event.kind == COMPLETED and (link := self.link(event)) is not None]
        return [link for link in {link.key: link for link in links}.values() if link.key not in self.contents]


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
