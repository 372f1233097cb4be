"""Leaves out of a vCon what its reader may not have; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

__all__ = ["PARTS", "Part", "redacted"]

Part = Literal["numbers", "names", "messages", "transcripts"]
PARTS: tuple[str, ...] = get_args(Part)
_ADDRESSES = ("tel", "sip", "mailto")


def redacted(vcon: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    """The same conversation without these parts, which says so and refers to no other version.

    Its events would say all of it, so they are not in it either. Agents keep their uuids.
    """
    left = {name: value for name, value in vcon.items() if name != "amended"}
    left["redacted"] = {"type": ",".join(part for part in PARTS if part in parts)}
    left["parties"] = [_party(party, parts) for party in vcon["parties"]]
    left["dialog"] = [_dialog(dialog, parts) for dialog in vcon["dialog"]]
    said = {"transcript": "transcripts", "summary": "transcripts"}
    analysis = [each for each in vcon.get("analysis", ()) if said.get(each["type"]) not in parts]
    left.pop("analysis", None)
    if analysis:
        left["analysis"] = analysis
    left["attachments"] = [each for each in vcon["attachments"] if each["purpose"] != "jackfield-events"]
    order = [*vcon, "redacted"]
    return {name: left[name] for name in sorted(left, key=order.index)}


def _party(party: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    hidden = (*(_ADDRESSES if "numbers" in parts else ()), *(("name",) if "names" in parts else ()))
    return {name: value for name, value in party.items() if name not in hidden}


def _dialog(dialog: Mapping[str, Any], parts: Collection[str]) -> dict[str, Any]:
    if dialog["type"] == "text" and "messages" in parts:
        return {**dialog, "body": ""}
    keys = [each for each in dialog.get("party_history", ()) if not each["event"].startswith("key")]
    return {**dialog, "party_history": keys} if "party_history" in dialog and "numbers" in parts else dict(dialog)
