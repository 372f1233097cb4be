"""Another configuration for all workers of a gateway, or for none of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio

from jackfield._cli.workers.messages import Written
from jackfield._cli.workers.sharing import place_for
from jackfield._cli.workers.unit import check_shareable, standard_output
from jackfield._cli.workers.worker import Worker, WorkerDown
from jackfield.config import ConfigDifference, GatewayConfig
from jackfield.errors import ConfigError, ConfigProblem, JackfieldError
from jackfield.reports import ConfigReloadFailed

if TYPE_CHECKING:
    from jackfield._cli.workers.group import WorkerGroup

__all__ = ["Changed", "change_all"]

RESTART = "cannot change while several processes run; restart the gateway"


@attrs.frozen
class Changed:
    """What has changed, one line each."""

    lines: tuple[str, ...]


async def change_all(group: WorkerGroup, config: GatewayConfig) -> Changed:
    """Let all workers take it over, one after another; where one cannot, those before it go back.

    `ConfigError` says what was wrong with it, `JackfieldError` what else was, such as a worker that died; either names
    whatever could not be taken back.
    """
    written = Written.of(group.document())
    try:
        _check(group, config)
        lines = await _change(group, config, written)
    except JackfieldError as error:
        problems = error.problems if isinstance(error, ConfigError) else (error,)
        group.report(ConfigReloadFailed(tuple(map(str, problems))))
        raise
    group.config = config
    group.server.receivers = group.receivers(config)
    return Changed(lines)


def _check(group: WorkerGroup, config: GatewayConfig) -> None:
    """What needs no worker to be found wrong."""
    check_shareable(config, standard_output())
    problems = ConfigDifference.between(group.config, config, ()).restarts
    old, new = group.config.webhooks, config.webhooks
    problems += [
        ConfigProblem(f"webhooks.{name}", RESTART)
        for name in ("listen", "tls_cert", "tls_key")
        if getattr(old, name) != getattr(new, name)
    ]
    if not problems and not group.server.url and new.listen and any(feed.webhook for feed in config.feeds):
        problems.append(ConfigProblem("webhooks.listen", f"nothing listened there so far, which {RESTART}"))
    if problems:
        raise ConfigError(problems)


async def _change(group: WorkerGroup, config: GatewayConfig, written: Written) -> tuple[str, ...]:
    shares = _shares(group, config)
    before, group.written = group.written, written  # a worker that is started meanwhile begins with this
    lines: dict[str, None] = {}
    try:
        if group.server.url:
            await trio.to_thread.run_sync(group.server.renew, config.webhooks)
        for worker in group.workers:
            lines |= dict.fromkeys(await worker.apply(written, shares[worker.number]))
    except JackfieldError as error:
        group.written = before
        with trio.CancelScope(shield=True):
            left = [text for worker in group.workers if (text := await _take_back(worker, before))]
        if isinstance(error, ConfigError):
            raise ConfigError([*error.problems, *(ConfigProblem("", text) for text in left)]) from None
        raise JackfieldError("; ".join([str(error), *left])) from None
    return tuple(lines)


def _shares(group: WorkerGroup, config: GatewayConfig) -> dict[int, tuple[str, ...]]:
    """What each worker holds then; a feed that goes leaves behind what delivers the rest of it."""
    held = {worker.number: list(worker.feeds) for worker in group.workers}
    for name in sorted(feed.name for feed in config.feeds):
        if not any(name in feeds for feeds in held.values()):
            held[place_for(name, held)].append(name)
    return {number: tuple(feeds) for number, feeds in held.items()}


async def _take_back(worker: Worker, before: Written) -> str:
    """Let a worker go back; why it could not, if it could not."""
    try:
        with suppress(WorkerDown):  # it begins with what was before
            await worker.apply(before, worker.feeds)
    except JackfieldError as error:
        return f"worker {worker.number}: what it had changed by then could not be taken back: {error}"
    return ""
