"""A JSON Schema of the configuration, for editors: made from the options of Jackfield and of the installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from jackfield.config.cluster import ClusterOptions
from jackfield.config.connection import ConnectionOptions
from jackfield.config.dashboard import DashboardOptions, NamesOptions, ViewerOptions
from jackfield.config.servers import MetricsOptions, ServeOptions, TokenOptions, WebhooksOptions
from jackfield.config.tables import DeliveryOptions, GatewayOptions, Route
from jackfield.plugin.coordinator import CoordinatorSpec
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import SinkSpec

__all__ = ["config_schema"]

Schema = dict[str, Any]

_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Secret: {"$ref": "#/$defs/secret"},
}
_SECRET: Schema = {
    "description": "better not the text itself",
    "oneOf": [
        {"type": "string", "minLength": 1},
        *(
            {
                "type": "object",
                "properties": {key: {"type": "string"}},
                "required": [key],
                "additionalProperties": False,
            }
            for key in ("env", "file")
        ),
    ],
}


def config_schema(
    providers: Mapping[str, ProviderSpec],
    sinks: Mapping[str, SinkSpec],
    coordinators: Mapping[str, CoordinatorSpec] = {},
) -> Schema:
    """The schema, draft 2020-12, for these installed plugins."""
    connection = _table(ConnectionOptions)["properties"]
    delivery = {"delivery": _table(DeliveryOptions)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Jackfield's configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "gateway": _table(GatewayOptions),
            "webhooks": _table(WebhooksOptions),
            "metrics": _table(MetricsOptions),
            "serve": _serve(),
            "dashboard": _table(DashboardOptions),
            "viewers": {"type": "object", "additionalProperties": _table(ViewerOptions)},
            "names": _table(NamesOptions),
            "cluster": _cluster(coordinators),
            "feeds": _plugged("provider", providers, connection),
            "sinks": _plugged("type", sinks, delivery),
            "routes": {"type": "array", "items": _table(Route)},
        },
        "$defs": {"secret": _SECRET},
    }


def _serve() -> Schema:
    table = _table(ServeOptions)
    table["properties"]["tokens"] |= {"type": "object", "additionalProperties": _table(TokenOptions)}
    return table


def _cluster(specs: Mapping[str, CoordinatorSpec]) -> Schema:
    common = _table(ClusterOptions)
    for spec in specs.values():
        common["properties"] |= {
            name: option for name, option in _table(spec.cls)["properties"].items() if name not in common["properties"]
        }
    return common


def _plugged(key: str, specs: Mapping[str, Any], common: Mapping[str, Schema]) -> Schema:
    """Tables with names of their own, each of a plugin that it names under `key`."""
    kinds = []
    for name, spec in specs.items():
        table = _table(spec.cls)
        table["properties"] = {key: {"const": name, "description": spec.summary}, **common, **table["properties"]}
        table["required"] = [key, *table.get("required", [])]
        kinds.append(table)
    return {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": [key],
            "properties": {key: {"enum": list(specs)}},
            "oneOf": kinds,
        },
    }


def _table(cls: Any) -> Schema:
    fields = [field for field in attrs.fields(attrs.resolve_types(cls)) if field.init]
    table: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {(field.alias or field.name): _option(field) for field in fields},
    }
    if required := [field.alias or field.name for field in fields if field.default is attrs.NOTHING]:
        table["required"] = required
    return table


def _option(field: Any) -> Schema:
    option = _type(field.type)
    if about := field.metadata.get("help"):
        option = {"description": about, **option}
    if isinstance(field.default, str | int | float | bool):
        option["default"] = field.default
    return option


def _type(wanted: Any) -> Schema:
    if wanted in _PLAIN:
        return dict(_PLAIN[wanted])
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (Union, UnionType):
        options = [_type(each) for each in parts if each is not NoneType]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin in (list, tuple, frozenset):
        return {"type": "array", "items": _type(parts[0])}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _type(parts[1])}
    return {"type": "string"}  # such as a selector, which is read from a text
