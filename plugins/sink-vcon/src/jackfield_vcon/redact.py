"""Leaves out of a vCon what its reader may not have; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

__all__ = ["EVENTS", "PARTS", "Part", "redacted"]

Part = Literal["numbers", "names", "messages", "transcripts"]
PARTS: tuple[str, ...] = get_args(Part)
EVENTS = "jackfield-events"
_ADDRESSES = ("tel", "sip", "mailto")
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
    left["dialog"] = [_dialog(dialog, parts) for dialog in vcon["dialog"]]
    if "analysis" in vcon:
        left["analysis"] = [
            {**each, **_EMPTY} if _SAID.get(each["type"]) in parts else each for each in vcon["analysis"]
        ]
    left["attachments"] = [{**each, **_EMPTY} if each["purpose"] == EVENTS else each for each in vcon["attachments"]]
    order = [*vcon, "redacted"]
    return {name: left[name] for name in sorted(left, key=order.index)}


def _party(party: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    hidden = (*(_ADDRESSES if "numbers" in parts else ()), *(("name",) if "names" in parts else ()))
    return {name: value for name, value in party.items() if name not in hidden}


def _dialog(dialog: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    # A recording has all of it.
    dialog = {name: value for name, value in dialog.items() if name not in ("url", "content_hash")}
    if dialog.get("type") == "text" and "messages" in parts:
        return {**dialog, **_EMPTY}
    keys = [each for each in dialog.get("party_history", ()) if not each["event"].startswith("key")]
    return {**dialog, "party_history": keys} if "party_history" in dialog and "numbers" in parts else dict(dialog)
