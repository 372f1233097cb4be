"""VoIPBIN's REST interface as far as a feed reads it: requests with our credential, answers or a clear error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield_voipbin.credentials import Credential

__all__ = ["Rest", "base_of"]

_ROLES = {"GET": "customer admin or manager", "PUT": "customer admin"}


def base_of(websocket: str) -> str:
    """Where REST is, from where the websocket is: ``wss://host/v1.0/ws`` becomes ``https://host``."""
    parts = urlsplit(websocket)
    path, _, _ = parts.path.partition("/v1.0/")
    return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, path, "", ""))


@attrs.frozen
class Rest:
    """One customer's access."""

    base: str
    """Without ``/v1.0``, since the login is outside of it."""
    credential: Credential
    ca_file: str | None = None

    def get(self, path: str, **query: str | int) -> HTTPFlow[Response]:
        """What ``/v1.0/<path>`` answers with success; `RestError` says what was asked and why there is nothing."""
        return (yield from self._ask("GET", path, query))

    def put(self, path: str, record: Mapping[str, Any]) -> HTTPFlow[Response]:
        """What ``/v1.0/<path>`` answers when it has taken a record; `RestError` as for `get`."""
        return (yield from self._ask("PUT", path, {}, msgspec.json.encode(record)))

    def _ask(self, method: str, path: str, query: Mapping[str, str | int], body: bytes = b"") -> HTTPFlow[Response]:
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),) if body else ()
        if self.credential.kind == "token":
            headers += (("Authorization", f"Bearer {self.credential.text}"),)
        else:  # which the platform reads in the query or in a cookie only
            query = {"accesskey": self.credential.text, **query}
        url = f"{self.base}/v1.0/{path}{'?' if query else ''}{urlencode(query)}"
        request = Request(method, url, headers, body, self.ca_file)
        answer = yield request
        if answer.status == 200:
            return answer
        raise _failure(request, answer)

    def customer_id(self) -> HTTPFlow[str]:
        """Whose access it is, where the credential does not say."""
        customer: Any = (yield from self.get("customer")).json()
        found = customer.get("id") if isinstance(customer, dict) else None
        if not isinstance(found, str) or not found:
            raise RestError("GET /v1.0/customer: the answer holds no id; set customer_id")
        return found

    def check_customer(self, configured: str) -> HTTPFlow[None]:
        """`RestError` where it is another customer's access; where REST does not answer, nothing is known."""
        try:
            found = yield from self.customer_id()
        except RestError as error:
            if error.status == 401:
                raise
            return
        if found != configured:
            problem = f"the access key is that of customer {found}, and customer_id says {configured}"
            raise RestError(problem, auth_failed=True)


def _failure(request: Request, answer: Response) -> RestError:
    try:
        error = answer.json()["error"]
        said = ": ".join(str(error[key]) for key in ("reason", "message") if error.get(key))
    except (RestError, TypeError, KeyError, IndexError, AttributeError):
        said = ""
    problem = f"{request}: HTTP {answer.status}{': ' if said else ''}{said}"
    if hint := {403: f"it needs the role {_ROLES[request.method]}", 404: "is url that of the websocket?"}.get(
        answer.status
    ):
        problem += f" ({hint})"
    return RestError(
        problem, status=answer.status, auth_failed=answer.status in (401, 403), retry_after=answer.retry_after
    )
