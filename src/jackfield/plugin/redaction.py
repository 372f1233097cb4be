"""Texts without secrets: for whatever is shown, stored or sent about a connection, and that a vendor may have worded.

A server quotes what it refuses: the token as it is, percent-encoded as it stood in a URL, within the base64 of a
``Basic`` header, escaped as in JSON or HTML, and cut short where its message is too long (a websocket's close reason
holds 123 bytes). So any eight characters in a row of a secret, in any of these forms, are hidden; and where a text is
cut, the beginning of one. What is shorter than that is hidden as a whole word, and a secret of one, two or three
characters only where a text quotes or assigns it, because it would blank the text and hide nothing.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import attrs

from jackfield.plugin.secrets import REDACTED, Secret, iter_secrets

__all__ = ["Redactor"]

PART = 8
"""So many characters in a row of a secret are not shown."""
LEAST_CUT = 4
"""Nor so many from its beginning, where a text is cut."""
LEAST_WORD = 4
"""A shorter secret is hidden only where a text quotes or assigns it."""
REMEMBERED = 256

# What may follow a beginning that was cut: the end, an ellipsis, or what closes a quotation.
_CUT = re.compile(r"""\s*$|…|\.\.\.|[)\]}"'>]""")


@attrs.define(eq=False)
class Redactor:
    """Hides secrets in texts; made once, and kept up to date by the secrets themselves.

    It reads no file: it knows of each secret what that has `revealed` lately.
    """

    _secrets: dict[int, Secret] = attrs.field(factory=dict, repr=False)
    _texts: tuple[str, ...] = attrs.field(default=(), repr=False)
    _parts: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    _forms: tuple[str, ...] = attrs.field(default=(), repr=False)
    _words: re.Pattern[str] | None = attrs.field(default=None, repr=False)
    _done: dict[str, str] = attrs.field(factory=dict, repr=False)
    _learned: Any = attrs.field(default=None, repr=False)

    @classmethod
    def of(cls, secrets: Iterable[Secret]) -> Redactor:
        """One that hides these."""
        redactor = cls()
        redactor.add(secrets)
        return redactor

    def add(self, secrets: Iterable[Secret]) -> None:
        """Hide these too."""
        self._secrets.update((id(secret), secret) for secret in secrets)

    def learn(self, options: Any) -> None:
        """Hide the secrets among an options object's fields too, such as those that a login has brought."""
        if options is not self._learned:
            self._learned = options
            self.add(secret for _, secret in iter_secrets(options))

    def __call__(self, text: str) -> str:
        """The text with ``***`` in place of every secret in it."""
        texts = tuple(dict.fromkeys(each for secret in self._secrets.values() for each in secret.revealed()))
        if texts != self._texts:
            self._read(texts)
        if not texts or not text:
            return text
        if (done := self._done.get(text)) is None:
            if len(self._done) >= REMEMBERED:
                self._done.clear()
            done = self._done[text] = self._hide(text)
        return done

    def _read(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._done.clear()
        forms = dict.fromkeys(form for text in texts for form in _forms(text))
        self._forms = tuple(form for form in forms if len(form) > LEAST_CUT)
        self._parts = frozenset(
            form[start : start + PART] for form in forms for start in range(max(0, len(form) - PART + 1))
        )
        patterns = [pattern for text in texts if len(text) < PART for pattern in [_word(text)]]
        self._words = re.compile("|".join(patterns)) if patterns else None

    def _hide(self, text: str) -> str:
        hidden = bytearray(len(text))
        for start, end in self._spans(text):
            hidden[start:end] = b"\1" * (end - start)
        if not any(hidden):
            return text
        shown, position = [], 0
        for run in re.finditer(b"\1+", bytes(hidden)):
            shown += [text[position : run.start()], REDACTED]
            position = run.end()
        return "".join([*shown, text[position:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for start in range(len(text) - PART + 1):
            if text[start : start + PART] in self._parts:
                yield start, start + PART
        if self._words is not None:
            yield from (found.span() for found in self._words.finditer(text))
        for cut in _CUT.finditer(text):
            if (length := self._cut_before(text[: cut.start()])) is not None:
                yield cut.start() - length, cut.start()

    def _cut_before(self, text: str) -> int | None:
        """How many characters at the end of a text are the beginning of a secret; at most one part's, of its own."""
        for length in range(PART - 1, LEAST_CUT - 1, -1):
            end = text[-length:]
            if len(end) < length or text[-length - 1 : -length].isalnum():
                continue
            if any(form.startswith(end) and len(form) > length for form in self._forms):
                return length
        return None


def _word(secret: str) -> str:
    plain = re.escape(secret)
    if len(secret) < LEAST_WORD:
        return rf"""(?<=[=:"'(\[<]){plain}(?![A-Za-z0-9])"""
    return rf"(?<![A-Za-z0-9]){plain}(?![A-Za-z0-9])" if len(secret) < 6 else plain


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a text can hold a secret; a short one's encodings, which could be anything, left out."""
    yield secret
    data = secret.encode("utf-8", "surrogateescape")
    for quoted in (quote(data, safe=""), quote_plus(data), quote(data)):
        yield quoted
        yield re.sub("%..", lambda escape: escape[0].lower(), quoted)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    yield data.hex()
    yield data.hex().upper()
    for before in range(3):
        encoded = _base64(data, before)
        yield encoded
        yield encoded.translate({ord("+"): "-", ord("/"): "_"})


def _base64(data: bytes, before: int) -> str:
    """What base64 makes of the secret behind so many other bytes, as far as no other byte has a part in it."""
    text = b64encode(bytes(before) + data).decode().rstrip("=")
    first = (before * 8 + 5) // 6
    last = (before + len(data)) * 8 // 6
    return text[first:last]
