"""HTTP POST for sinks: authentication, signatures, TLS, limits, and what an answer means for delivery.

A sink's options class inherits `PostOptions`; its open sink sends bodies through what `open_poster` gives. The package
httpcore2 must be among the plugin's dependencies; it is imported when a sink is opened.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from jackfield.plugin.posting._answers import Failure
from jackfield.plugin.posting._options import PostOptions, is_header_name, is_post_url
from jackfield.plugin.posting._signing import message_id

__all__ = ["Failure", "PostOptions", "Poster", "is_header_name", "is_post_url", "message_id", "open_poster"]


class Poster(Protocol):
    """Posts to one URL, from any number of tasks."""

    async def post(
        self,
        headers: Mapping[str, str],
        body: bytes,
        identity: Callable[[], str],
        acknowledged: Callable[[], None] = ...,
    ) -> Failure | None:
        """Why a request failed; ``None`` where it did not.

        `identity` gives what stays the same when the same is sent again, for a signature: without a full stop.
        `acknowledged` is called as soon as the status says that it has arrived.
        """
        ...


@asynccontextmanager
async def open_poster(options: PostOptions, url: str) -> AsyncGenerator[Poster, None]:
    """A pool of connections to one URL; nothing is connected yet. `DeliveryError` where TLS cannot be set up."""
    # Imported when a sink is opened: it costs 60 ms that most commands do not need.
    from jackfield.plugin.posting._poster import open_pool

    async with open_pool(options, url) as poster:
        yield poster
