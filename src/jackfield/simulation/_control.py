"""A running simulator by HTTP: ``/_simulator`` shows and sets its switches, ``/_simulator/cut`` cuts connections."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs
import msgspec

from jackfield._loading.structure import structure_some, unknown_keys
from jackfield.errors import ConfigProblem, PluginError
from jackfield.plugin.http import Request, Response
from jackfield.simulation._faults import Faults
from jackfield.simulation._running import Running

__all__ = ["PATH", "check_names", "control", "is_control"]

PATH = "/_simulator"
REDACTED = "(hidden)"


def check_names(simulator: Any) -> None:
    """`PluginError` where a simulator's field has the name of a switch that every simulator has."""
    own = {field.name for field in attrs.fields(type(simulator))}
    common = {field.name for cls in (Running, Faults) for field in attrs.fields(cls) if field.metadata.get("live")}
    if taken := sorted(own & common):
        raise PluginError(
            f"{type(simulator).__name__}.{taken[0]} must be named otherwise: every simulator has a {taken[0]}"
        )


def is_control(request: Request) -> bool:
    """Whether a request is to the simulator itself and not to the vendor."""
    return urlsplit(request.url).path.split("/")[:2] == PATH.split("/")


def control(running: Running, request: Request) -> Response:
    """Show, set, or cut."""
    match request.method, urlsplit(request.url).path:
        case "GET" | "HEAD", "/_simulator":
            return _json(200, _shown(running))
        case "PATCH", "/_simulator":
            faults = _switch(running, request.body)
            return _json(400, {"errors": faults}) if faults else _json(200, _shown(running))
        case "POST", "/_simulator/cut":
            return _json(200, {"cut": running.cut()})
        case _:
            known = f"GET and PATCH {PATH}, POST {PATH}/cut"
            return _json(404, {"errors": [f"{request.method} {request.url} is none of: {known}"]})


def _json(status: int, content: Any) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(content) + b"\n")


def _owners(running: Running) -> dict[str, Any]:
    """Every name that can be set, and the object that has it."""
    objects: tuple[Any, ...] = (running, running.faults, running.simulator)
    return {field.name: each for each in objects for field in attrs.fields(type(each)) if field.metadata.get("live")}


def _shown(running: Running) -> dict[str, Any]:
    return {
        "url": running.url,
        "switches": {
            name: getattr(owner, name) if attrs.fields_dict(type(owner))[name].repr else REDACTED
            for name, owner in _owners(running).items()
        },
        "counters": attrs.asdict(running.counters),
        "last_webhook_failure": running.last_webhook_failure,
    }


def _switch(running: Running, body: bytes) -> list[str]:
    """Set what a JSON object says, all of it or, where something is wrong with it, nothing: what that is."""
    try:
        table = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return [f"the body is not valid JSON: {error}"]
    if not isinstance(table, dict):
        return ['the body must be an object of switches, such as {"drop": 0.1}']
    owners = _owners(running)
    faults = unknown_keys(table, owners, "")
    values: dict[str, Any] = {}
    for name in table.keys() & owners.keys():
        values |= structure_some(type(owners[name]), {name: table[name]}, faults)
    if not faults:
        before = {name: getattr(owners[name], name) for name in values}
        try:
            _set(owners, values)
        except (ValueError, attrs.exceptions.FrozenInstanceError) as error:
            _set(owners, {name: old for name, old in before.items() if getattr(owners[name], name) != old})
            faults.append(ConfigProblem("", str(error) or "cannot be changed"))
    return [str(fault) for fault in faults]


def _set(owners: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(owners[name], name, value)
