"""KAZOO's REST interface without I/O: requests with the token, answers in either of their spellings.

KAZOO wraps what it answers in ``data``; Vinix's reference shows some answers bare. A token that is no longer valid is
renewed once for each question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield.plugin.secrets import REDACTED

__all__ = ["Rest", "checked", "payload"]

# A hundred pages of some fifty things each; a server that never ends its list is not followed for ever.
MOST_PAGES = 100
LONGEST_REASON = 200
MOST_REASONS = 5

_HINTS = {
    401: "the token, the API key, or the user's name, password or account is not accepted",
    403: "its owner may not see this account",
}
_WRONG_URL = "is rest_url right? Vinix's ends in /v2"
# How KAZOO refuses an API key that does not exist, an account's name that does not, and the others.
_LOGIN_REFUSED = (400, 401, 403, 404)
# A login costs a third of the server's bucket, and its 429 does not say how long to wait.
CROWDED, CROWDED_SECONDS = 429, 60.0


@attrs.define
class Rest:
    """One account's interface, as far as a feed asks it."""

    base: str
    token: str = attrs.field(repr=False)
    renew: Callable[[], HTTPFlow[str]] = attrs.field(repr=False)
    """Gets the token anew; the same one where there is no other."""
    ca_file: str | None = None
    renewable: bool = False
    """Whether that is a new login."""
    clock: datetime | None = None
    """The server's own, by its last answer."""

    def get(self, *path: str, **query: str) -> HTTPFlow[Any]:
        """The payload of a resource, by the segments of its path; `RestError` where it is not given."""
        return payload((yield from self._answer("GET", path, query)))

    def post(self, *path: str, data: Any) -> HTTPFlow[Any]:
        """The payload that is the answer to this one."""
        return payload((yield from self._answer("POST", path, {}, data)))

    def every(self, *path: str) -> HTTPFlow[list[Any]]:
        """All items of a list, page by page."""
        items: list[Any] = []
        query: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = yield from self._answer("GET", path, query)
            page = payload(answer)
            items += page if isinstance(page, list) else []
            start_key = _start_key(answer.get("next_start_key")) if isinstance(answer, dict) else ""
            if not start_key or query.get("start_key") == start_key:
                return items
            query = {"start_key": start_key}
        return items

    def _answer(self, method: str, path: tuple[str, ...], query: dict[str, str], data: Any = None) -> HTTPFlow[Any]:
        request = self._request(method, path, query, data)
        response = yield request
        if response.status == 401:
            stale, self.token = self.token, (yield from self.renew())
            if self.token != stale:
                request = self._request(method, path, query, data)
                response = yield request
        self.clock = _moment(response.headers.get("date", "")) or self.clock
        return checked(request, response, self.token)

    def _request(self, method: str, path: tuple[str, ...], query: dict[str, str], data: Any) -> Request:
        url = "/".join((self.base.rstrip("/"), *(quote(each, safe="", errors="surrogatepass") for each in path)))
        headers = [("X-Auth-Token", self.token), ("Accept", "application/json")]
        body = b""
        if data is not None:
            headers.append(("Content-Type", "application/json"))
            body = json.dumps({"data": data}).encode()  # an id may hold an unpaired surrogate
        return Request(
            method,
            f"{url}?{urlencode(query, errors='surrogatepass')}" if query else url,
            tuple(headers),
            body,
            ca_file=self.ca_file,
        )


def checked(request: Request, response: Response, *secrets: str, login: bool = False) -> Any:
    """The JSON of an answer that grants what was asked; `RestError` for any other.

    To a login, KAZOO refuses an unknown key with 404 and an unknown account with 400.
    """
    if response.status in (200, 201, 202):
        return response.json()
    reason = f"{request}: HTTP {response.status}"
    if message := _message(response):
        for secret in filter(None, secrets):
            message = message.replace(secret, REDACTED)
        reason = f"{reason}: {message[:LONGEST_REASON]}"
    refused = response.status in ((401, 403) if not login or not message else _LOGIN_REFUSED)
    hint = _HINTS.get(401 if refused and login and response.status != 403 else response.status)
    if not refused and response.status == 404 and not message:  # nothing of KAZOO's answers there
        hint = _WRONG_URL
    if hint:
        reason = f"{reason} ({hint})"
    wait = response.retry_after
    if response.status == CROWDED:
        wait = max(CROWDED_SECONDS, wait or 0.0)
    raise RestError(reason, status=response.status, auth_failed=refused, retry_after=wait)


def payload(answer: Any) -> Any:
    """What an answer is about, out of KAZOO's envelope or without one."""
    return answer["data"] if isinstance(answer, dict) and "data" in answer else answer


def _message(response: Response) -> str:
    """The server's reason, which both KAZOO's and Vinix's errors have as their message."""
    try:
        answer = response.json()
    except RestError:
        return ""
    if not isinstance(answer, dict):
        return ""
    message = answer.get("message")
    texts = [message] if isinstance(message, str) else []
    return "; ".join((*texts, *islice(_reasons(answer.get("data"), ""), MOST_REASONS)))


def _reasons(data: Any, field: str, depth: int = 3) -> Iterator[str]:
    """What a validation error says of each field: ``{field: {rule: {"message": …}}}``; its values are not shown."""
    if not isinstance(data, dict) or not depth:
        return
    if field and isinstance(message := data.get("message"), str):
        yield f"{field}: {message}"
    for name, inner in data.items():
        yield from _reasons(inner, field or name, depth - 1)


def _start_key(value: Any) -> str:
    """Where the next page begins; KAZOO has texts, numbers and lists there. Empty where there is no next page."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict | int | float) and not isinstance(value, bool):
        return json.dumps(value, separators=(",", ":")) if value not in ([], {}) else ""
    return ""


def _moment(date: str) -> datetime | None:
    """The moment of a ``Date`` header."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
