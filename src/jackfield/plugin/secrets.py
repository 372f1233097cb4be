"""Secrets: never shown, and read anew each time they are needed.

In a configuration a secret is ``{ env = "NAME" }``, ``{ file = "path" }`` or, with a warning, the
text itself. A file is read at every use, so a token that is renewed in place is picked up at the
next connection.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

from jackfield.errors import SecretError
from jackfield.plugin._files import open_file

__all__ = ["REDACTED", "Secret", "iter_secrets", "redact_url"]

REDACTED = "***"
"""What stands in place of a secret wherever one could be shown."""
REMEMBERED = 4
"""Texts that a secret had before it was renewed; a vendor may still quote them."""


@attrs.frozen
class Secret:
    """A token, password or key, by where it comes from; its text shows only in `reveal`."""

    kind: Literal["env", "file", "text"]
    value: str = attrs.field(repr=False)
    """The variable's name, the file's path, or the secret itself."""
    _revealed: deque[str] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), init=False, repr=False, eq=False)

    @classmethod
    def from_config(cls, value: Any) -> Secret:
        """Read the form that a configuration uses; `ValueError` says what would be right."""
        forms = 'give { env = "NAME" } or { file = "path" }'
        match value:
            case str() if value:
                return cls("text", value)
            case {"env": str(name), **rest} if name and not rest:
                return cls("env", name)
            case {"file": str(path), **rest} if path and not rest:
                return cls("file", path)
        raise ValueError(f"no secret; {forms}")

    def reveal(self) -> str:
        """The secret's text, read anew; `SecretError` where it is not there, or empty."""
        text = self._read()
        if text not in self._revealed:
            self._revealed.append(text)
        return text

    def revealed(self) -> tuple[str, ...]:
        """The texts that it had when it was read, lately; of one that stands in a file nothing before that."""
        if not self._revealed and self.kind != "file":
            with suppress(SecretError):
                self.reveal()
        return tuple(self._revealed)

    def _read(self) -> str:
        if self.kind == "text":
            return self.value
        if self.kind == "env":
            if found := os.environ.get(self.value, "").strip():
                return found
            raise SecretError(f"the environment variable {self.value} is not set or empty")
        try:
            with open_file(self.value) as file:
                found = file.read().decode("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8 text"
            raise SecretError(f"the file {self.value} cannot be read: {why}") from None
        if not found:
            raise SecretError(f"the file {self.value} is empty")
        return found

    def __str__(self) -> str:
        return REDACTED if self.kind == "text" else f"{self.kind} {self.value}"


def iter_secrets(options: Any) -> list[tuple[str, Secret]]:
    """The secrets among an options object's fields, each with the field's name."""
    found = ((field.name, getattr(options, field.name)) for field in attrs.fields(type(options)))
    return [(name, value) for name, value in found if isinstance(value, Secret)]


def redact_url(url: str) -> str:
    """The URL without user, password, query and fragment, where tokens are wont to be."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
