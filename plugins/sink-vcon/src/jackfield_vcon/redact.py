"""Leaves out of a vCon what its reader may not have; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args

__all__ = ["EVENTS", "PARTS", "Part", "redacted"]

Part = Literal["numbers", "names", "messages", "transcripts"]
PARTS: tuple[str, ...] = get_args(Part)
EVENTS = "jackfield-events"
_ADDRESSES = ("tel", "sip", "mailto")
# Who calls is often named by his number, and a queue by the one that it is called at.
_NUMBER = re.compile(r"(?:sips?:|tel:)?\+?[(]?\d(?:[ ()./-]{0,2}\d){3,}")
_IDS = ("filename", "message_id", "interaction_id")
# An agent's notes may quote what was said.
_SAID: Mapping[str, str] = {"transcript": "transcripts", "summary": "transcripts", "report": "transcripts"}
_EMPTY: Mapping[str, str] = {"body": "", "encoding": "none"}


def redacted(vcon: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    """The same conversation without these parts, which says so and refers to no other version.

    Its events would say all of it, so they are not in it either. Agents keep their uuids, and what is left out leaves
    its place, so that indexes mean the same.
    """
    left = {name: value for name, value in vcon.items() if name != "amended"}
    left["redacted"] = {"type": ",".join(part for part in PARTS if part in parts)}
    maker = vcon["attachments"][0]["party"]
    left["parties"] = [party if index == maker else _party(party, parts) for index, party in enumerate(vcon["parties"])]
    numbers = {end for party in vcon["parties"] for end in _ends(party)}
    left["dialog"] = [_dialog(dialog, parts, numbers) for dialog in vcon["dialog"]]
    if "numbers" in parts:
        left["subject"] = _without_numbers(vcon["subject"])
    if "analysis" in vcon:
        left["analysis"] = [
            {**each, **_EMPTY} if _SAID.get(each["type"]) in parts else each for each in vcon["analysis"]
        ]
    left["attachments"] = [{**each, **_EMPTY} if each["purpose"] == EVENTS else each for each in vcon["attachments"]]
    order = [*vcon, "redacted"]
    return {name: left[name] for name in sorted(left, key=order.index)}


def _party(party: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    hidden = (*(_ADDRESSES if "numbers" in parts else ()), *(("name",) if "names" in parts else ()))
    left = {name: value for name, value in party.items() if name not in hidden}
    return _unnumbered(left, ("name", "contact_list")) if "numbers" in parts else left


def _dialog(dialog: Mapping[str, Any], parts: Collection[str], numbers: Collection[str]) -> dict[str, Any]:
    # A recording has all of it.
    dialog = {name: value for name, value in dialog.items() if name not in ("url", "content_hash")}
    if dialog.get("type") == "text" and "messages" in parts:
        dialog |= _EMPTY
    if "numbers" in parts:
        if "party_history" in dialog:
            dialog["party_history"] = [each for each in dialog["party_history"] if not each["event"].startswith("key")]
        if skills := [left for each in dialog.pop("skill", ()) if (left := _without_numbers(each))]:
            dialog["skill"] = skills
        dialog = _unnumbered(dialog, ("campaign",))
        for name in _IDS:
            if any(number in dialog.get(name, "") for number in numbers):
                del dialog[name]
    return dialog


def _unnumbered(thing: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Without the numbers in these of its texts, and without a text that is nothing else."""
    left = {name: _without_numbers(value) if name in names else value for name, value in thing.items()}
    return {name: value for name, value in left.items() if value or name not in names}


def _without_numbers(text: str) -> str:
    words = " ".join(word for word in text.split() if "@" not in word)
    left = " ".join(_NUMBER.sub(" ", words).split())
    return left if any(char.isalpha() for char in left) else ""


def _ends(party: Mapping[str, Any]) -> Iterator[str]:
    """How the number of a party ends, however it begins: with a plus, with zeros, or in its own country."""
    for name in _ADDRESSES:
        if len(digits := "".join(filter(str.isdigit, party.get(name, "").partition("@")[0]))) >= 5:
            yield digits[-7:]
