"""Every exception that Jackfield raises on purpose, by the party that must act.

::

    JackfieldError
     ├── ConfigError        the operator: the configuration is wrong; all its problems at once
     ├── SecretError        the operator: a secret is not where the configuration says
     ├── TextError          the caller: a text does not parse; points at the character
     │    ├── AddressError
     │    └── SelectorError
     ├── NoTopicError     the caller: this vendor has no topic for what was asked
     ├── EventError         the caller: this JSON is not a CloudEvent of Jackfield
     ├── FrameError         the vendor: a frame that cannot be read; carries its bytes
     ├── ConnectionLost     the session: the connection is down, connect again
     │    └── HandshakeRefused   the vendor answered the handshake with an HTTP status
     ├── RestError          the session: a vendor's REST interface did not answer as it should
     ├── WebhookError     the vendor: its webhook request is rejected
     ├── ListenerOverflow   the embedding program: a listener that must miss nothing was not read in time
     ├── DeliveryError      the sink: a batch was not taken
     ├── JournalError       the operator: the journal's file cannot be used; says what is safe and what to do
     └── PluginError        the plugin's author: a plugin breaks its contract

Any other exception out of Jackfield's own code is a bug; please report it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

import attrs

__all__ = [
    "AddressError",
    "ConfigError",
    "ConfigProblem",
    "ConnectionLost",
    "DeliveryError",
    "EventError",
    "FrameError",
    "HandshakeRefused",
    "JackfieldError",
    "JournalError",
    "ListenerOverflow",
    "NoTopicError",
    "OnError",
    "PluginError",
    "RestError",
    "SecretError",
    "SelectorError",
    "TextError",
    "WebhookError",
]


class JackfieldError(Exception):
    """The root: catch it to catch everything that Jackfield raises on purpose."""


@attrs.frozen
class ConfigProblem:
    """One thing that is wrong with a configuration."""

    path: str
    """Where, as dotted keys: ``feeds.support.account_id``; empty for the document itself."""
    message: str
    """What is wrong, with its value, and what would be right."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(JackfieldError):
    """The configuration cannot be used; `problems` holds every reason, not just the first."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems: tuple[ConfigProblem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SecretError(JackfieldError):
    """A secret cannot be read where the configuration says that it is."""


class TextError(JackfieldError, ValueError):
    """A text does not parse."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        self.problem = problem
        self.text = text
        self.position = position
        super().__init__(f"{problem}, at character {position + 1} of {text!r}")

    def pointed(self) -> str:
        """The text with a caret under the character that is wrong, for a terminal."""
        return f"{self.text}\n{' ' * self.position}^ {self.problem}"


class AddressError(TextError):
    """A text is not an address or an address pattern."""


class SelectorError(TextError):
    """A text is not a selector."""


class NoTopicError(JackfieldError):
    """A vendor has no topic for what was asked; the message says why."""


class EventError(JackfieldError, ValueError):
    """A JSON object is not a CloudEvent that `Event.to_cloudevent` could have written."""


class FrameError(JackfieldError):
    """A vendor's frame cannot be read: raised by a `FeedProtocol`, counted by the session."""

    def __init__(self, problem: str, raw: bytes) -> None:
        self.problem = problem
        self.raw = raw
        super().__init__(problem)


class ConnectionLost(JackfieldError):
    """The connection to a vendor is down or did not come up; the session connects again.

    `auth_failed` is true where the vendor rejected our credentials: hurrying does not help then. `code` is the
    websocket's close code, ``None`` where the connection was cut without one. `missed_since` is set where events may be
    missing for longer than since the last activity.
    """

    def __init__(
        self,
        reason: str,
        *,
        auth_failed: bool = False,
        retry_after: float | None = None,
        code: int | None = None,
        missed_since: datetime | None = None,
    ) -> None:
        self.reason = reason
        self.auth_failed = auth_failed
        self.retry_after = retry_after
        self.code = code
        self.missed_since = missed_since
        super().__init__(reason)


class HandshakeRefused(ConnectionLost):
    """The vendor answered the websocket handshake with an HTTP status instead of an upgrade."""

    def __init__(self, status: int, reason: str, *, retry_after: float | None = None) -> None:
        self.status = status
        super().__init__(reason, auth_failed=status in (401, 403), retry_after=retry_after)


class RestError(JackfieldError):
    """A vendor's REST interface did not answer, or not as it should; says what was asked, and holds no secret.

    `status` is that of the answer, ``None`` where there was none. `auth_failed` is true where the vendor turned our
    credentials down. `retry_after` is in seconds.
    """

    def __init__(
        self, reason: str, *, status: int | None = None, auth_failed: bool = False, retry_after: float | None = None
    ) -> None:
        self.reason = reason
        self.status = status
        self.auth_failed = auth_failed
        self.retry_after = retry_after
        super().__init__(reason)


class WebhookError(JackfieldError):
    """A webhook request is rejected: answered with this HTTP status, and counted by the reason."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class ListenerOverflow(JackfieldError):
    """A listener with ``overflow="error"`` has ended: more events came than its buffer holds."""


OnError = Literal["retry", "dead_letter", "pause", "disable"]
"""What a host does about events that a sink did not accept.

``retry``: sends them again, later. ``dead_letter``: they never will be taken, so they become dead letters.
``pause``: our credentials were rejected, so an operator must act; nothing is dropped, and it is tried again
slowly. ``disable``: the receiver wants nothing any more, so nothing is sent until the next start, and
nothing dropped.
"""


class DeliveryError(JackfieldError):
    """A sink did not deliver a batch, or not all of it.

    `delivered` counts the events from the batch's front that did arrive, so that they are not sent again. Where they
    do not arrive in order, `failed` is the set of the indexes that did not arrive, and all others did. What
    `Batch.delivered` reported counts as well. Where some of them may be tried again and others never will be accepted,
    say ``retry`` for all: when only the latter are left, say ``dead_letter``.
    `rejected_count` counts the missing events, from the first on, that a ``dead_letter`` is about; ``None`` where the
    sink cannot tell which, and the host finds out by trying halves. With `failed` it is about all of these.
    `endpoint_suspected` is true for an answer that may be about the place and not about the event, such as HTTP 404:
    where many events in a row get it, the host pauses the sink and keeps them. `retry_after` is in seconds.
    """

    def __init__(
        self,
        reason: str,
        *,
        delivered: int = 0,
        on_error: OnError = "retry",
        rejected_count: int | None = None,
        failed: Collection[int] | None = None,
        endpoint_suspected: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.reason = reason
        self.delivered: int = min(failed) if failed else delivered
        self.on_error: OnError = on_error
        self.rejected_count = rejected_count
        self.failed = failed
        self.endpoint_suspected = endpoint_suspected
        self.retry_after = retry_after
        super().__init__(reason)


class JournalError(JackfieldError):
    """The journal's file cannot be opened, read or written; the message says what is safe and what to do."""


class PluginError(JackfieldError):
    """A plugin breaks its contract; the message names the distribution or the module."""
