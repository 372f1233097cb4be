"""The customer's own record, as far as webhooks are configured in it: read, merged, written; without I/O.

``PUT /v1.0/customer`` overwrites seven fields, and blanks those that it is not given, so all are sent back as
they were. The secret is made by the platform, and shown only by GET.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.rest import Exchange, Request, Response

__all__ = ["WRITTEN", "Account", "WebhookSettings", "read_webhook", "write_webhook"]

WRITTEN = ("name", "detail", "email", "phone_number", "address", "webhook_method", "webhook_uri")
"""What PUT overwrites, all of it."""

_ROLES = {"GET": "customer admin or manager", "PUT": "customer admin"}
_JSON = ("Content-Type", "application/json")


@attrs.frozen
class Account:
    """Where a feed's REST is, and by what right it is asked."""

    url: str
    """The websocket's, such as ``wss://api.voipbin.net/v1.0/ws``."""
    credential: str = attrs.field(repr=False)
    """A token, or an access key; they are told apart by their shape."""
    ca_file: str | None = None

    def request(self, method: str, path: str, body: bytes = b"") -> Request:
        """A request of ``/v1.0``."""
        parts = urlsplit(self.url)
        scheme = "https" if parts.scheme == "wss" else "http"
        # VoIPBIN takes tokens as bearers only, and access keys in the query only.
        is_key = self.credential.startswith("vb_")
        query = f"accesskey={quote(self.credential, safe='')}" if is_key else ""
        headers = () if is_key else (("Authorization", f"Bearer {self.credential}"),)
        base = parts.path.removesuffix("/ws").removesuffix("/service_agents")
        url = urlunsplit((scheme, parts.netloc, base + path, query, ""))
        return Request(method, url, (*headers, _JSON) if body else headers, body, self.ca_file)


@attrs.frozen
class WebhookSettings:
    """What the record says of webhooks."""

    uri: str
    """Where the platform posts to; empty where it does not."""
    method: str
    """Empty means GET, with a body."""
    secret: str = attrs.field(repr=False)
    """Empty on installations that sign nothing."""


def read_webhook(account: Account) -> Exchange[WebhookSettings]:
    """The settings as they are; `RestError` says in one line what is in the way."""
    record = yield from _get(account)
    return _settings(record)


def write_webhook(account: Account, uri: str, method: str | None = None) -> Exchange[WebhookSettings]:
    """Set where the platform posts to, and leave everything else as it is, the method too where none is given."""
    record = yield from _get(account)
    written = {name: _text(record, name) for name in WRITTEN} | {"webhook_uri": uri}
    if method is not None:
        written["webhook_method"] = method
    request = account.request("PUT", "/customer", msgspec.json.encode(written))
    _checked(request, (yield request))
    return _settings(record | written)


def _get(account: Account) -> Exchange[dict[str, Any]]:
    request = account.request("GET", "/customer")
    record = _checked(request, (yield request)).json()
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise RestError(f"{request}: the answer is no customer's record")
    return record


def _settings(record: dict[str, Any]) -> WebhookSettings:
    return WebhookSettings(*(_text(record, name) for name in ("webhook_uri", "webhook_method", "webhook_secret")))


def _text(record: dict[str, Any], name: str) -> str:
    """A field as it is to be written back: the platform leaves out what is empty."""
    value = record.get(name)
    if not isinstance(value, str | None):
        raise RestError(f"the customer's {name} is no text, so nothing was changed")
    return value or ""


def _checked(request: Request, answer: Response) -> Response:
    if answer.status == 200:
        return answer
    what = {
        401: "the credentials are not valid, or have expired",
        403: f"these credentials may not; it takes the role {_ROLES[request.method]}",
        404: "there is no such thing here; is the feed's url that of the platform's websocket?",
    }.get(answer.status, "not what was expected")
    said = _said(answer)
    raise RestError(
        f"{request}: status {answer.status}{f' ({said})' if said else ''}: {what}",
        status=answer.status,
        refused=answer.status in (401, 403),
        retry_after=answer.retry_after,
    )


def _said(answer: Response) -> str:
    """The platform's own reason, a fixed word such as ``PERMISSION_DENIED``; empty where it gives none."""
    try:
        match answer.json():
            case {"error": {"reason": str(reason)}}:
                return reason
    except RestError:
        pass
    return ""
