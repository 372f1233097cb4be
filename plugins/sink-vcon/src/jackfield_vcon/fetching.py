"""Fetches recordings for their hashes, within bounds; what was found, or why not, is remembered in the spool."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import attrs
import trio

from jackfield.errors import SecretError
from jackfield.plugin.downloading import Digest, Downloader, DownloadError
from jackfield.plugin.secrets import Secret
from jackfield_vcon.identity import hash_text
from jackfield_vcon.recordings import Content, Link

__all__ = ["ATTEMPTS", "Fetcher"]

ATTEMPTS = 3
"""So often a link is tried that may work later; vendors publish a recording before its file is there."""
AT_ONCE = 4
_PAGES = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "application/json",
        "application/problem+json",
        "text/xml",
        "application/xml",
    }
)
"""What says why there is no recording, though with a status of success."""
logger: logging.Logger = logging.getLogger("jackfield.vcon")


@attrs.define(eq=False)
class Fetcher:
    """Fetches what links lead to."""

    _downloader: Downloader
    _header: str
    _value: Secret | None
    _tried: dict[str, int] = attrs.field(factory=dict)

    async def fetch(self, links: Iterable[Link]) -> dict[str, Content]:
        """What is known now, by their keys; a link that is to be tried again is not among it."""
        found: dict[str, Content] = {}
        limit = trio.CapacityLimiter(AT_ONCE)

        async def one(link: Link) -> None:
            async with limit:
                if (content := await self._content(link)) is not None:
                    self._tried.pop(link.key, None)
                    found[link.key] = content

        # What slow hosts leave undone is asked for again, so that they do not hold up other conversations.
        with trio.move_on_after(2 * self._downloader.max_seconds + 5):
            async with trio.open_nursery() as nursery:
                for link in links:
                    nursery.start_soon(one, link)
        return found

    async def _content(self, link: Link) -> Content | None:
        try:
            headers = {self._header: self._value.reveal()} if link.is_configured and self._value is not None else {}
            digest = await self._downloader.digest(link.url, headers)
            _check(digest)
        except (DownloadError, SecretError) as error:
            may_pass = not isinstance(error, DownloadError) or error.may_pass
            tried = self._tried[link.key] = self._tried.get(link.key, 0) + 1
            if may_pass and tried < ATTEMPTS:
                return None
            logger.warning(
                "%s: the recording could not be fetched: %s",
                link.shown,
                error,
                extra={"event": "recording_not_fetched"},
            )
            return Content(problem=f"not fetched: {error}")
        return _described(digest)


def _check(digest: Digest) -> None:
    """`DownloadError` where that is no recording, whose hash would say that it is."""
    if digest.media_type in _PAGES:
        hint = "such as that of a page to log in at; recording_auth_value authenticates"
        raise DownloadError(
            f"the server answered with {digest.media_type}, which is no recording, {hint}", may_pass=True
        )
    if not digest.size:
        raise DownloadError("the server answered with an empty file", may_pass=True)


def _described(digest: Digest) -> Content:
    return Content(hash_text(digest.sha512), digest.media_type)
