"""One request and its answer, within a time limit and a size limit; the only module that speaks HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from email.utils import formatdate
from urllib.parse import urlsplit

import attrs
import httpcore2
import trio

from jackfield.plugin.http import RetryAfter
from jackfield.plugin.posting._networks import Forbidden
from jackfield.plugin.posting._options import PostOptions
from jackfield.plugin.posting._urls import next_url

__all__ = ["TROUBLES", "Answer", "Client"]

TROUBLES = (Forbidden, OSError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException)
"""What can go wrong between a client and a server: errors of our own way to connect, and of httpcore2."""

MOST_REDIRECTS = 5


@attrs.define
class Answer:
    """What came back, as far as it was read."""

    status: int
    retry_after: RetryAfter | None
    location: str
    body: bytearray = attrs.field(factory=bytearray)
    not_followed: str = ""
    """Why the answer is a redirect still."""

    def text(self) -> str:
        """What explains the status to an operator."""
        if self.not_followed:
            return f"a redirect to {self.location.partition('?')[0] or 'nowhere'}, not followed: {self.not_followed}"
        return self.body.decode(errors="replace")


@attrs.frozen
class Client:
    """Posts to one URL over a pool of connections."""

    _options: PostOptions
    _url: str
    _pool: httpcore2.AsyncConnectionPool
    _slots: trio.CapacityLimiter
    """As many as the pool has connections, so that waiting for one does not count as a request's time."""

    async def post(
        self, headers: Mapping[str, str], body: bytes, acknowledged: Callable[[], None] = lambda: None
    ) -> Answer | None:
        """The last answer, after redirects; ``None`` where there was none in time, any of `TROUBLES` where it broke.

        `acknowledged` is called when a status of success is there, before the rest of the answer is read.
        """
        async with self._slots:
            deadline = trio.current_time() + self._options.timeout
            url = self._url
            followed = 0
            while True:
                answer = await self._exchange(url, headers, body, deadline, acknowledged)
                if answer is None or not 300 <= answer.status < 400:
                    return answer
                try:
                    url = self._next_url(url, answer, followed)
                except ValueError as error:
                    answer.not_followed = str(error)
                    return answer
                followed += 1

    def _next_url(self, url: str, answer: Answer, followed: int) -> str:
        if not self._options.follow_redirects:
            raise ValueError("follow_redirects is off")
        if followed == MOST_REDIRECTS:
            raise ValueError(f"it is the {followed + 1}th in a row")
        return next_url(url, answer.status, answer.location, keep_origin=self._options.is_authenticated)

    async def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline: float, acknowledged: Callable[[], None]
    ) -> Answer | None:
        """One request and its answer; ``None`` where that did not begin in time.

        Once there is a status it counts, whatever becomes of the rest: a receiver that says 200 and then
        stalls has got the events.
        """
        response: httpcore2.Response | None = None
        with trio.move_on_at(deadline):
            response = await self._pool.handle_async_request(_request(url, headers, body))
        if response is None:
            return None
        if 200 <= response.status < 300:
            acknowledged()
        # The first of each name, should a server send several.
        given = {name.lower(): value.decode("latin-1").strip() for name, value in reversed(response.headers)}
        # A recipient with a clock adds the Date that a server left out (RFC 9110, 6.6.1).
        date = given.get(b"date") or formatdate(usegmt=True)
        wait = RetryAfter.parse(given.get(b"retry-after", ""), date)
        answer = Answer(response.status, wait, given.get(b"location", ""))
        try:
            with suppress(*TROUBLES), trio.move_on_at(deadline):
                await self._read(response, answer.body)
        finally:
            await response.aclose()
        return answer

    async def _read(self, response: httpcore2.Response, body: bytearray) -> None:
        """Read a body to its end, which leaves the connection fit for another request, or else to the limit."""
        most = self._options.max_response_bytes
        async with aclosing(response.aiter_stream()) as chunks:
            async for chunk in chunks:
                if len(chunk) > most - len(body):
                    body += chunk[: most - len(body)]
                    return
                body += chunk


def _request(url: str, headers: Mapping[str, str], body: bytes) -> httpcore2.Request:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=path)
    # httpcore2 would write a host of IPv6 without its brackets.
    own = (("host", parts.netloc), ("content-length", str(len(body))))
    return httpcore2.Request("POST", target, headers=[*own, *headers.items()], content=body)
