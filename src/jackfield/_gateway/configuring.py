"""What a program gives as a configuration, as a checked one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from jackfield._gateway.arguments import expect
from jackfield._gateway.cluster.lock_files import coordinators
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig, build_config, read_toml
from jackfield.errors import ConfigError, ConfigProblem

__all__ = ["expect_config", "read_config", "with_feed", "without_feed"]


def expect_config(config: object) -> None:
    """`TypeError` for what is no configuration in any form."""
    expect("config", config, (GatewayConfig, Mapping, str, Path), "a path, a mapping, or a GatewayConfig")


def read_config(config: GatewayConfig | Mapping[str, Any] | str | Path, registry: Registry) -> GatewayConfig:
    """The configuration in a file or a document, or the one that was built before; `ConfigError` for a bad one."""
    if isinstance(config, GatewayConfig):
        return config
    document = read_toml(Path(config)) if isinstance(config, str | Path) else config
    return build_config(
        document, providers=registry.providers, sinks=registry.sinks, coordinators=coordinators(registry)
    )


def with_feed(config: GatewayConfig, name: str, options: Mapping[str, Any], registry: Registry) -> GatewayConfig:
    """The configuration with one more feed; `ConfigError` where its options are wrong, or it is there already."""
    expect("name", name, str, 'the feed\'s name, such as "head-office"')
    if any(each.name == name for each in config.feeds):
        raise ConfigError([ConfigProblem(f"feeds.{name}", "is there already; remove it first, or apply a whole one")])
    # It is checked beside the server for webhooks that there is.
    given = {field.name: getattr(config.webhooks, field.name) for field in attrs.fields(type(config.webhooks))}
    webhooks = {key: value for key, value in given.items() if value is not None}
    document = {"feeds": {name: options}, "webhooks": webhooks}
    built = build_config(
        document, providers=registry.providers, sinks=registry.sinks, coordinators=coordinators(registry)
    )
    return attrs.evolve(config, feeds=(*config.feeds, *built.feeds))


def without_feed(config: GatewayConfig, name: str) -> GatewayConfig:
    """The configuration without one of its feeds."""
    return attrs.evolve(config, feeds=tuple(each for each in config.feeds if each.name != name))
