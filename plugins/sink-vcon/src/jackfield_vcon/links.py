"""What of a link may be written: no user, password, query or fragment, where credentials are wont to be; pure."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["shown", "shown_json", "shown_text"]


def _url(stop: str) -> re.Pattern[str]:
    """Of a URL, which ends before the characters of a class: the slashes (1) and the host with its path (2)."""
    any_, word, name = rf"[^{stop}]", rf"[^{stop}\\/?#]", rf"[^{stop}\\/?#\[\]:]"
    # What cannot be a port is a password with a slash in it, or the like, and nobody knows where that ends.
    broken = rf"{name}*:(?!\d*(?:[{stop}\\/?#]|\Z)){any_}*"
    path = rf"(?:(?!:[\\/]{{2}})[^{stop}?#])*"
    return re.compile(rf"((?:\A\s*|:)[\\/]{{2,}})(?:{word}*@|{broken})?({path})(?:[?#]{any_}*)?")


def _encoded_url() -> re.Pattern[str]:
    """The same where it is encoded: in another's path, as one value of a form, in a text of JSON that is cut off."""

    def either(char: str) -> str:
        return rf"(?:{re.escape(char)}|%(?:25){{0,8}}{ord(char):x}|\\{{1,16}}u00{ord(char):x})"

    colon, slash, at, end = either(":"), either("/"), either("@"), f"(?:{either('?')}|{either('#')})"
    some = r"[^\s\"<>]"
    return re.compile(
        rf"((?!:[\\/]{{2}}){colon}{slash}{{2,}})(?:(?:(?!{slash}|{end}){some})*{at})?"
        rf"((?:(?!{end}|{colon}{slash}{{2}}){some})*)(?:{end}{some}*)?",
        re.IGNORECASE,
    )


_WHOLE, _IN_TEXT, _ENCODED = _url(r"\0"), _url(r"\s\"<>"), _encoded_url()
_IS_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:)?[\\/]{2}")
_RELATIVE = re.compile(r"\s*(?=[^\s?#]*/)([^\s?#]++)[?#]\S*=.*", re.DOTALL)
# The user of such an address is whom it is about.
_SIP = re.compile(r"\b(sips?:[^\s:@<>\"]+)(?::[^\s@<>\"]*)?(@[^\s?<>\"]*)(?:\?[^\s<>\"]*)?", re.IGNORECASE)
# A string without any of these has nothing that is to be cut.
_MARKS = re.compile(r"[@?#%\\]")
# The next string (1) of a text of JSON that has one, from outside of any string on.
_NEXT = re.compile(r'(?:[^"]++|"[^"\\@?#%]*+")*+("(?:[^"\\]++|\\.)*+")', re.DOTALL)


def shown(value: Any) -> Any:
    """A value of JSON, with each string in it as it may be written."""
    match value:
        case str():
            return shown_text(value)
        case dict():
            return {shown_text(name): shown(each) for name, each in value.items()}
        case list():
            return [shown(each) for each in value]
    return value


def shown_json(text: str) -> str:
    """A text of JSON; whatever is no such string stays as it is written: numbers, spaces, names that come twice."""
    if not _MARKS.search(text):
        return text
    left: list[str] = []
    end = 0
    while (found := _NEXT.match(text, end)) is not None:
        left += (text[end : found.start(1)], _shown_string(found[1]))
        end = found.end()
    return "".join(left) + text[end:]


def shown_text(text: str) -> str:
    """A text, or the link that it is."""
    if not _MARKS.search(text):
        return text
    if text.lstrip()[:1] in ("{", "[", '"'):
        text = shown_json(text)
    text = (_WHOLE if _IS_URL.match(text) else _IN_TEXT).sub(r"\1\2", text)
    text = _SIP.sub(r"\1\2", _ENCODED.sub(r"\1\2", text))
    return found[1] if (found := _RELATIVE.fullmatch(text)) else text


def _shown_string(written: str) -> str:
    try:
        text = json.loads(written, strict=False)
    except ValueError:  # an escape that JSON does not have
        text = written[1:-1]
    return written if (left := shown_text(text)) == text else json.dumps(left)
