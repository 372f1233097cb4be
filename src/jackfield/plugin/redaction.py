"""Texts that can be shown: without secrets, and without what a terminal obeys; for all that is shown, stored or sent.

A server quotes what it refuses: the token as it is, percent-encoded as it stood in a URL, within the base64 of a
``Basic`` header, escaped as in JSON or HTML, twice over, and cut short where its message is too long (a websocket's
close reason holds 123 bytes). So any eight characters in a row of a secret, in any of these forms, are hidden; and
where a text is cut, the first few of one. What is shorter than that is hidden as a whole word, and a secret of one,
two or three characters only where a text quotes or assigns it, because it would blank the text and hide nothing.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote, quote_plus

import attrs

from jackfield.addresses import escape_segment
from jackfield.plugin.secrets import REDACTED, Secret, iter_secrets

__all__ = ["Redactor", "secret_forms"]

PART = 8
"""So many characters in a row of a secret are not shown."""
LEAST_CUT = 4
"""Nor so many from its beginning, where a text is cut."""
LEAST_WORD = 4
"""A shorter secret is hidden only where a text quotes or assigns it."""
REMEMBERED = 256
BROUGHT = 8
"""Secrets that logins have brought are remembered for each owner; older ones have expired."""

# What may follow the cut beginning of a secret: the end, an ellipsis, or what closes a quotation.
_CUT = re.compile(r"""\s*$|…|\.\.\.|[)\]}"'>;,]""")


@attrs.define(eq=False)
class Redactor:
    """Hides secrets in texts; made once, and kept up to date by the secrets themselves.

    It reads no file: it knows of each secret what that has `revealed` lately, before which nobody can quote it.
    """

    _secrets: dict[int, Secret] = attrs.field(factory=dict, repr=False)
    _brought: dict[str, deque[Secret]] = attrs.field(factory=dict, repr=False)
    _texts: tuple[str, ...] = attrs.field(default=(), repr=False)
    _fragments: dict[str, tuple[frozenset[str], frozenset[str]]] = attrs.field(factory=dict, repr=False)
    _parts: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    _beginnings: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    _words: re.Pattern[str] | None = attrs.field(default=None, repr=False)
    _done: dict[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def of(cls, secrets: Iterable[Secret]) -> Redactor:
        """One that hides these."""
        redactor = cls()
        redactor.add(secrets)
        return redactor

    def add(self, secrets: Iterable[Secret]) -> None:
        """Hide these too."""
        self._secrets.update((id(secret), secret) for secret in secrets)

    def learn(self, options: Any, *, owner: str) -> None:
        """Hide the secrets among an options object's fields too, such as those that a feed's login has brought."""
        brought = self._brought.setdefault(owner, deque(maxlen=BROUGHT))
        for _, secret in iter_secrets(options):
            if id(secret) not in self._secrets and not any(secret is each for each in brought):
                brought.append(secret)

    def __call__(self, text: str) -> str:
        """The text with ``***`` in place of every secret in it, and a space in place of every control character."""
        if not text:
            return text
        known = chain(self._secrets.values(), *self._brought.values())
        texts = tuple(dict.fromkeys(each for secret in known for each in secret.revealed()))
        if texts != self._texts:
            self._read(texts)
        if (done := self._done.get(text)) is None:
            if len(self._done) >= REMEMBERED:
                self._done.clear()
            done = self._done[text] = _printable(self._hide(text) if texts else text)
        return done

    def _read(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._done.clear()
        self._fragments = {text: self._fragments.get(text) or _fragments(text) for text in texts}
        self._parts = frozenset(part for parts, _ in self._fragments.values() for part in parts)
        self._beginnings = frozenset(each for _, beginnings in self._fragments.values() for each in beginnings)
        patterns = [_word(text) for text in texts if len(text) < PART]
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
            for length in range(PART - 1, LEAST_CUT - 1, -1):
                start = cut.start() - length
                if (
                    start >= 0
                    and text[start : cut.start()] in self._beginnings
                    and not text[start - 1 : start].isalnum()
                ):
                    yield start, cut.start()
                    break


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)


def _word(secret: str) -> str:
    plain = re.escape(secret)
    if len(secret) < LEAST_WORD:
        return rf"""(?<=[=:"'(\[<]){plain}(?![A-Za-z0-9])"""
    return rf"(?<![A-Za-z0-9]){plain}(?![A-Za-z0-9])" if len(secret) < 6 else plain


def _fragments(secret: str) -> tuple[frozenset[str], frozenset[str]]:
    """Every eight characters in a row of a secret's forms, and their beginnings of four to seven."""
    forms = set(secret_forms(secret))
    parts = frozenset(form[start : start + PART] for form in forms for start in range(len(form) - PART + 1))
    lengths = range(LEAST_CUT, PART)
    return parts, frozenset(form[:length] for form in forms for length in lengths if len(form) > length)


def secret_forms(secret: str) -> Iterator[str]:
    """The ways in which a text can hold a secret."""
    data = secret.encode("utf-8", "surrogateescape")
    encoded = [_base64(data, before) for before in range(3)]
    encoded += [each.translate({ord("+"): "-", ord("/"): "_"}) for each in encoded]
    for form in (*encoded, data.hex(), data.hex().upper(), *_escaped(secret)):
        yield from _escaped(form)


def _escaped(text: str) -> Iterator[str]:
    """The text, and how URLs, JSON, HTML and Python's repr write it; Go's encoders escape other characters too."""
    yield text
    data = text.encode("utf-8", "surrogateescape")
    for quoted in (quote(data, safe=""), quote_plus(data), quote(data)):
        yield quoted
        yield re.sub("%..", lambda escape: escape[0].lower(), quoted)
    for ascii_only in (True, False):
        in_json = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield in_json
        yield in_json.translate(_GO_JSON)
    yield html.escape(text)
    yield html.escape(text, quote=False).translate(_GO_HTML)
    yield repr(text)[1:-1]
    yield escape_segment(text)
    yield " ".join(text.split())


_GO_JSON = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}
_GO_HTML = {ord("'"): "&#39;", ord('"'): "&#34;"}


def _base64(data: bytes, before: int) -> str:
    """What base64 makes of the secret behind so many other bytes, as far as no other byte has a part in it."""
    text = b64encode(bytes(before) + data).decode().rstrip("=")
    first = (before * 8 + 5) // 6
    last = (before + len(data)) * 8 // 6
    return text[first:last]
