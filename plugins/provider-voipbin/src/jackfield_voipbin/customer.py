"""The customer's own record, as far as webhooks are configured in it: read, merged, written; without I/O.

``PUT /v1.0/customer`` overwrites seven fields, and blanks those that it is not given, so all are sent back as
they were. The secret is made by the platform, and shown only by GET.
"""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow
from jackfield_voipbin.rest import Rest

__all__ = ["WRITTEN", "WebhookSettings", "read_webhook", "write_webhook"]

WRITTEN = ("name", "detail", "email", "phone_number", "address", "webhook_method", "webhook_uri")
"""What PUT overwrites, all of it."""


@attrs.frozen
class WebhookSettings:
    """What the record says of webhooks."""

    uri: str
    """Where the platform sends webhooks to; empty where it does not."""
    method: str
    """Empty means GET, with a body."""
    secret: str = attrs.field(repr=False)
    """Empty on installations that sign nothing."""


def read_webhook(rest: Rest) -> HTTPFlow[WebhookSettings]:
    """The settings as they are; `RestError` says in one line what is in the way."""
    record = yield from _get(rest)
    return _settings(record)


def write_webhook(rest: Rest, uri: str, method: str | None = None) -> HTTPFlow[WebhookSettings]:
    """Set where webhooks are sent to, and leave everything else as it is, the method too where none is given."""
    record = yield from _get(rest)
    written = {name: _text(record, name) for name in WRITTEN} | {"webhook_uri": uri}
    if method is not None:
        written["webhook_method"] = method
    yield from rest.put("customer", written)
    return _settings(record | written)


def _get(rest: Rest) -> HTTPFlow[dict[str, Any]]:
    record = (yield from rest.get("customer")).json()
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise RestError("GET /v1.0/customer: the answer is not a customer's record")
    return record


def _settings(record: dict[str, Any]) -> WebhookSettings:
    return WebhookSettings(*(_text(record, name) for name in ("webhook_uri", "webhook_method", "webhook_secret")))


def _text(record: dict[str, Any], name: str) -> str:
    """A field as it is to be written back: the platform leaves out what is empty."""
    value = record.get(name)
    if not isinstance(value, str | None):
        raise RestError(f"the customer's {name} is not a text, so nothing was changed")
    return value or ""
