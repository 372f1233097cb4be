r"""JSON texts as vendors write them: what RFC 8259's grammar allows is read, and written as it was.

msgspec is quick, and stricter than the grammar: it refuses half of a surrogate pair (``"\ud83d"``, an SMS that was cut
within an emoji), numbers beyond every float (``1e400``), and integers of thousands of digits. Whatever it refuses is
read in a slower way before it counts as unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, TypeVar

import msgspec

__all__ = ["decode_data", "decode_struct", "encode_data", "without_surrogates"]

T = TypeVar("T")

# Python's own limit for reading an integer from text; beyond it a Decimal holds every digit.
MOST_DIGITS = 4000

_decode_plain = msgspec.json.Decoder().decode
_encode_plain = msgspec.json.Encoder(decimal_format="number").encode
_encode_sorted = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PRIVATE = range(0xE000, 0xF900)


def decode_data(text: bytes) -> Any:
    """A payload's text as objects, in which a number beyond every float, such as ``1e400``, is a `Decimal`.

    What `msgspec.json.decode` raises where it is not JSON.
    """
    try:
        return _decode_plain(text)
    except msgspec.DecodeError as error:
        try:
            return json.loads(text.decode(), parse_float=_wide, parse_int=_long, parse_constant=_refuse)
        except ValueError:
            raise error from None


def decode_struct(decode: Callable[[bytes], T], text: bytes) -> T:
    """What a struct's decoder makes of a text; what it raises where that is not such a JSON object.

    Halves of surrogate pairs are replaced by U+FFFD in the struct's own texts, and stay in its `msgspec.Raw` fields.
    """
    try:
        return decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        masked, originals = _mask(text)
        if not originals:
            raise
    whole: T = _unmask(decode(masked), originals)
    return whole


def encode_data(value: Any, *, ordered: bool = False) -> bytes:
    """Objects as JSON, also those that `decode_data` has read; `ordered`, equal objects have the same text."""
    encode = _encode_sorted if ordered else _encode_plain
    try:
        return encode(value)
    except UnicodeEncodeError:
        return _encode_each(value, encode, ordered=ordered).encode()


def without_surrogates(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _wide(number: str) -> float | Decimal | str:
    narrow = float(number)
    if isfinite(narrow):
        return narrow
    try:
        return Decimal(number)
    except InvalidOperation:  # beyond every Decimal too: an exponent of twenty digits
        return number


def _long(number: str) -> int | Decimal:
    return int(number) if len(number) <= MOST_DIGITS else Decimal(number)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _mask(text: bytes) -> tuple[bytes, dict[int, bytes]]:
    """The text with a private character, unused in it, in place of each different escape of half a surrogate pair.

    The escapes, by the character that stands for each. None is replaced where there are not enough characters.
    """
    escapes = [(found, int(found[1], 16)) for found in _ESCAPE.finditer(text) if found[1]]
    lone: list[re.Match[bytes]] = []
    half: re.Match[bytes] | None = None
    for found, code in escapes:
        if half is not None and not (0xDC00 <= code < 0xE000 and found.start() == half.end()):
            lone.append(half)
            half = None
        if half is not None:
            half = None
        elif 0xD800 <= code < 0xDC00:
            half = found
        elif 0xDC00 <= code < 0xE000:
            lone.append(found)
    if half is not None:
        lone.append(half)
    used = {code for _, code in escapes} | set(map(ord, text.decode(errors="replace")))
    free = (code for code in _PRIVATE if code not in used)
    stands_for = dict(zip(dict.fromkeys(found[0] for found in lone), free, strict=False))
    if len(stands_for) < len({found[0] for found in lone}):
        return text, {}
    masked = bytearray(text)
    for found in lone:
        masked[found.start() : found.end()] = b"\\u%04x" % stands_for[found[0]]
    return bytes(masked), {code: escape for escape, code in stands_for.items()}


def _unmask(value: Any, originals: Mapping[int, bytes]) -> Any:
    match value:
        case str():
            return value.translate(dict.fromkeys(originals, "\ufffd"))
        case msgspec.Raw():
            return msgspec.Raw(
                _ESCAPE.sub(lambda found: originals.get(int(found[1] or b"0", 16), found[0]), bytes(value))
            )
        case msgspec.Struct():
            changed = {name: _unmask(getattr(value, name), originals) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **changed)
        case dict():
            return {_unmask(key, originals): _unmask(each, originals) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_unmask(each, originals) for each in value)
    return value


def _encode_each(value: Any, encode: Callable[[Any], bytes], *, ordered: bool) -> str:
    """In the slow way, with an escape for each half of a surrogate pair."""
    match value:
        case str():
            return json.dumps(value)
        case dict():
            items = sorted(value.items()) if ordered else value.items()
            pairs = (f"{json.dumps(str(key))}:{_encode_each(each, encode, ordered=ordered)}" for key, each in items)
            return f"{{{','.join(pairs)}}}"
        case list() | tuple():
            return f"[{','.join(_encode_each(each, encode, ordered=ordered) for each in value)}]"
    return encode(value).decode()
