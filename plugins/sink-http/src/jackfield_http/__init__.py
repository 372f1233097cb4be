"""HTTP for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "http"``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help
from jackfield.plugin.posting import PostOptions, is_post_url, open_poster
from jackfield.plugin.sink import OpenSink, SinkSpec
from jackfield_http.content_mode import ContentMode

__all__ = ["Http", "jackfield_sinks"]


@attrs.frozen
class Http(PostOptions):
    """Events sent as CloudEvents by HTTP POST, one by one or in batches."""

    url: str = attrs.field(validator=is_post_url, metadata=field_help("where to POST events"))
    mode: ContentMode = attrs.field(
        default="structured",
        metadata=field_help("how CloudEvents are sent: one as JSON, one as headers and data, or many as JSON"),
    )

    def __attrs_post_init__(self) -> None:
        self.check_posting(self.url)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        """Make a pool of connections; nothing is connected yet. `DeliveryError` where TLS cannot be set up."""
        from jackfield_http.writer import HTTPWriter

        async with open_poster(self, self.url) as poster:
            yield HTTPWriter(self, poster)


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``http``."""
    return [SinkSpec("http", "HTTP POST of events as CloudEvents", Http)]
