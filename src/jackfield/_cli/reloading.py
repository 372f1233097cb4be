"""A reload on both sides: in the process that runs, and in the one that asks for it and waits for the outcome."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import trio

from jackfield._cli.console import Console
from jackfield._gateway.snapshot import SupportsState
from jackfield._journal.segments.locking import lock_folder
from jackfield._journal.segments.state import read_writer
from jackfield._serve.service_manager import ServiceManager
from jackfield.config import GatewayConfig
from jackfield.errors import ConfigError, ConfigProblem, JackfieldError, JournalError
from jackfield.reports import ConfigReloadFailed

__all__ = ["SupportsReload", "check_free", "outcome_file", "read_outcome", "reload_gateway", "running_process"]

NAME = "reload.json"


class Changes(Protocol):
    """What has changed."""

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each change."""


class SupportsReload(SupportsState, Protocol):
    """A gateway, or several processes that are one."""

    @property
    def config(self) -> GatewayConfig:
        """What it runs by now."""

    async def apply(self, config: GatewayConfig) -> Changes:
        """Take another configuration over; `JackfieldError` where it goes on with the one that it has."""


def outcome_file(config: GatewayConfig) -> Path | None:
    """Where a process says how its last reload went: in its journal's folder, which names the process too."""
    return None if config.gateway.journal == "memory" else Path(config.gateway.journal) / NAME


async def reload_gateway(
    gateway: SupportsReload,
    again: Callable[[], GatewayConfig],
    console: Console,
    manager: ServiceManager,
    turn: trio.Lock,
) -> None:
    """Read the configuration again and take it over; what is wrong is reported, and everything goes on as it was.

    In turn, so that each reads what is there after the one before it, and one outcome does not hide another.
    """
    async with turn:
        manager.reloading()
        changes: tuple[str, ...] = ()
        problems: list[tuple[str, str]] = []
        failure = ""
        try:
            config = await _read(again, console)
            changes = (await gateway.apply(config)).lines
        except ConfigError as error:
            problems = [(each.path, each.message) for each in error.problems]
        except JackfieldError as error:  # it is just closing, or a worker has died
            failure = str(error)
        if (path := outcome_file(gateway.config)) is not None:
            outcome = {"changes": changes, "problems": problems, "failure": failure, "process": os.getpid()}
            await trio.to_thread.run_sync(_write, path, outcome | {"at": datetime.now(UTC).isoformat()})
        manager.ready(gateway.state())


async def _read(again: Callable[[], GatewayConfig], console: Console) -> GatewayConfig:
    try:
        return await trio.to_thread.run_sync(again)
    except ConfigError as error:
        console.jackfield_observe(ConfigReloadFailed(tuple(map(str, error.problems))))
        raise


def _write(path: Path, outcome: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(outcome) + "\n")
        new.replace(path)
    except OSError:
        return  # the journal itself reports what is wrong with its folder


def read_outcome(path: Path) -> dict[str, Any]:
    """What a process has said there; nothing where none has."""
    try:
        outcome: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return outcome


def check_free(config: GatewayConfig) -> None:
    """`JournalError` that names the process where another gateway has this journal: before its ports are in the way."""
    journal = Path(config.gateway.journal)
    if config.gateway.journal != "memory" and journal.is_dir():
        os.close(lock_folder(journal))


def running_process(journal: Path) -> int:
    """The process that writes to a journal; `ConfigError` where there is none."""
    problem = (
        f"no gateway writes to {journal}, so there is none to reload; 'jackfield run' starts one; if one runs whose "
        "folder was moved away, its log says so (journal_write_failed): put the folder back, or restart it"
    )
    if not journal.is_dir():
        raise ConfigError([ConfigProblem("gateway.journal", problem)])
    if not os.access(journal, os.R_OK | os.X_OK):
        raise JournalError(f"{journal}: cannot be read by this user; reload as the user that runs the gateway")
    try:
        os.close(lock_folder(journal))
    except JournalError:  # it is locked
        writer, _ = read_writer(journal)
        if writer is not None:
            return writer.process
        problem = f"which process writes to {journal} is not known; send it SIGHUP"
    raise ConfigError([ConfigProblem("gateway.journal", problem)])
