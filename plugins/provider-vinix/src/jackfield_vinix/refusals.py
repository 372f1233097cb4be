"""Why the server refuses a request: its exact texts, what each is about, and what would help.

Sources: KAZOO's code, branches 4.3 and 5. There are no codes; clients are known to match the texts.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from jackfield.plugin.secrets import REDACTED

__all__ = ["Refusal", "Subject", "classify", "hide_token", "refusals_in"]

Subject = Literal["token", "account", "binding", "rate", "request", "server", "unknown"]
"""What a refusal is about."""


class Refusal(NamedTuple):
    """One error text of a reply."""

    subject: Subject
    text: str
    """The server's words, without the token that it quotes."""
    advice: str = ""
    """What would be right, in words; empty for a text that we do not know."""

    @property
    def elsewhere(self) -> bool:
        """Whether another node behind the same address may grant it: not each has the module loaded."""
        return self.text.lower().startswith("no available subscriptions")

    def __str__(self) -> str:
        return f"{self.text} ({self.advice})" if self.advice else self.text


_TOKEN_QUOTED = re.compile(r"(failed to authenticate token).*", re.IGNORECASE | re.DOTALL)

_REPORT = "Jackfield asks otherwise than this server wants: please report it"

_TABLE: tuple[tuple[str, Subject, str], ...] = (
    ("rate limiting threshold hit", "rate", "ask again later: 100 requests at once and 10 in a second are usual"),
    ("authentication token required", "token", "auth_token came empty"),
    ("failed to authenticate token", "token", "auth_token is wrong, or expired as it does in an hour: get one by REST"),
    ("invalid authentication token format", "token", "auth_token must be the text that REST returned"),
    ("unauthorized wildcard account id", "account", "account_id must be one account: all are for administrators only"),
    ("unauthorized account id", "account", "account_id must be the token's own account or one below it"),
    ("no available subscriptions", "binding", "no such family, or bh_qubicle is not loaded at this node: ask Vinix"),
    ("invalid format for", "binding", "this server accepts other bindings: select a whole family"),
    ("event .* not supported", "binding", "this server knows no such event: select a whole family"),
    ("missing required", "request", _REPORT),
    ("empty subscription", "request", _REPORT),
    ("auth_account_id not set", "server", "bh_token_auth is not loaded at this node: ask Vinix"),
)
_KNOWN = [(re.compile(text, re.IGNORECASE | re.DOTALL), subject, advice) for text, subject, advice in _TABLE]


def classify(text: str, auth_token: str = "") -> Refusal:
    """What an error text of the server's means; the token is cut out of it."""
    shown = hide_token(text, auth_token).strip()
    for pattern, subject, advice in _KNOWN:
        if pattern.match(text.strip()):
            return Refusal(subject, shown, advice)
    return Refusal("unknown", shown)


def refusals_in(data: Any, auth_token: str = "") -> list[Refusal]:
    """The refusals in an error reply's data; none where it gives no reason that can be read."""
    errors = data.get("errors") if isinstance(data, dict) else None
    return [classify(each, auth_token) for each in errors if isinstance(each, str)] if isinstance(errors, list) else []


def hide_token(text: str, auth_token: str) -> str:
    """The server's text without the token; its refusal quotes the one that it got, to the end."""
    text = _TOKEN_QUOTED.sub(rf"\1 {REDACTED}", text)
    return text.replace(auth_token, REDACTED) if auth_token else text
