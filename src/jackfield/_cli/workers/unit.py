"""The part of a configuration by which one feed is run, with a journal of its own."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import attrs

from jackfield._journal.per_feed import feed_journals, folder_of
from jackfield.config import DashboardOptions, GatewayConfig, MetricsOptions, ServeOptions, WebhooksOptions
from jackfield.errors import ConfigError, ConfigProblem

__all__ = ["check_shareable", "held_names", "standard_output", "unit_config"]


def unit_config(config: GatewayConfig, feed: str) -> GatewayConfig:
    """What runs one feed and listens nowhere; where it is not configured any more, what delivers the rest of it."""
    gateway = config.gateway
    if gateway.journal != "memory":
        gateway = attrs.evolve(gateway, journal=str(folder_of(Path(gateway.journal), feed)))
    return attrs.evolve(
        config,
        feeds=tuple(each for each in config.feeds if each.name == feed),
        gateway=gateway,
        webhooks=WebhooksOptions(public_url=config.webhooks.public_url, embedded=True),
        metrics=MetricsOptions(),
        serve=ServeOptions(),
        dashboard=DashboardOptions(),
        viewers={},
        warnings=(),
    )


def held_names(config: GatewayConfig) -> list[str]:
    """The feeds that are held: those of the configuration, and those that are not there any more and left a journal."""
    left = {} if config.gateway.journal == "memory" else feed_journals(Path(config.gateway.journal))
    return sorted({feed.name for feed in config.feeds} | left.keys())


def standard_output() -> int:
    """What sort of file standard output is, as its mode."""
    return os.fstat(sys.stdout.fileno()).st_mode


def check_shareable(config: GatewayConfig, stdout: int) -> None:
    """`ConfigError` for what several processes cannot do; `stdout` is the mode of standard output."""
    problems: list[ConfigProblem] = []
    if config.serve.listen is not None:
        problem = (
            "one stream of several processes' events cannot be served; leave [serve] out, or run without --workers"
        )
        problems.append(ConfigProblem("serve.listen", problem))
    if config.cluster is not None:
        problem = "feeds are shared out by the parent; leave [cluster] out, or run without --workers"
        problems.append(ConfigProblem("cluster", problem))
    if stat.S_ISSOCK(stdout):
        hint = "standard output is a socket, on which lines of several processes would mix; let it be a pipe or a file"
        problems += [ConfigProblem(f"sinks.{each.name}", hint) for each in config.sinks if each.type == "stdout"]
    if problems:
        raise ConfigError(problems)
