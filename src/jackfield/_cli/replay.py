"""``jackfield journal replay``: events of the past to the sinks once more, with progress on standard error."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

import attrs
import trio

from jackfield._cli.config_option import load_config
from jackfield._cli.console import Console, say, warn
from jackfield._cli.plugin_logs import plugin_logs
from jackfield._cli.plugin_options import load_plugins
from jackfield._cli.progress import Progress
from jackfield._cli.signals import cancel_at_signal
from jackfield._delivery import SinkPipeline
from jackfield._delivery.replay import EventFilter, Replay, letters, past
from jackfield._journal.store import SegmentStore, delete_dead_letters
from jackfield._loading.registry import Registry
from jackfield._net.os_errors import explain_file_error
from jackfield._routing.route_spans import RouteSpans
from jackfield.config import GatewayConfig, NamedSink
from jackfield.errors import ConfigError, ConfigProblem, DeliveryError
from jackfield.events import Record
from jackfield.selectors import EVERYTHING

__all__ = ["reading", "run"]

SAVE_SECONDS = 1.0

Pages = Iterator[list[Record]]
Unreadable = Callable[[str], Callable[[int], None]]


@attrs.define
class _Task:
    """What one sink is to get."""

    sink: NamedSink
    pages: Callable[[], Pages]
    journal: str
    """The journal's id."""
    positions: dict[int, int] = attrs.field(factory=dict)
    """Where a dead letter's event stood in the journal, by the letter's number."""
    total: int = 0
    sent: int = 0
    unsaved: list[int] = attrs.field(factory=list)
    """The numbers of what was sent since this was last looked at."""
    passed: Callable[[int], object] = lambda _position: None
    """Called with each position that reading has come to."""

    def delivered(self, numbers: list[int]) -> None:
        self.sent += len(numbers)
        self.unsaved += numbers


def run(options: argparse.Namespace, path: Path, wanted: EventFilter, unreadable: Unreadable) -> int:
    """Replay what is meant, or say what would be."""
    if path == options.path:
        raise ConfigError(
            [ConfigProblem("", f"{path} is a journal; replay needs the configuration that names its sinks")]
        )
    if not (options.select or options.since or options.until or options.correlation or options.dead):
        say(
            "jackfield: say what to replay: a selector ('**' is everything), --since, --until, --correlation or --dead",
            level="error",
        )
        return 2
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    config = load_config([options.path], registry)
    store = SegmentStore.open(path, readonly=True)
    try:
        tasks = [_task(sink, options, config, store, wanted, unreadable) for sink in _sinks(config, options.sink)]
        for task in tasks:
            with reading(store) as task.passed:
                kinds = Counter(event.kind for page in task.pages() for _, event in page)
            task.total = kinds.total()
            if options.dry_run:
                print(f"{task.sink.name}: {task.total} events would be sent")
                for kind, count in kinds.most_common():
                    print(f"  {count:>8}  {kind}")
        if options.dry_run:
            return 0
        done = partial(delete_dead_letters, path) if options.dead else None
        if not (tasks := [task for task in tasks if task.total]):
            say("no event is selected, so none is sent")
            return 0
        console = Console()
        with plugin_logs(console, registry.redact):
            return trio.run(_deliver, tasks, registry, console, done)
    finally:
        store.close()


@contextmanager
def reading(store: SegmentStore) -> Iterator[Callable[[int], object]]:
    """Progress of reading a journal, for as long as that takes; what is yielded gets each position that is reached."""
    first, every = store.first, max(1, store.count(store.first, store.next))
    with Progress("reading the journal") as progress:
        yield lambda position: progress.at(f"{100 * store.count(first, position) // every} %, position {position}")


def _sinks(config: GatewayConfig, names: list[str] | None) -> list[NamedSink]:
    sinks = {sink.name: sink for sink in config.sinks}
    if wrong := [name for name in names or () if name not in sinks]:
        raise ConfigError(
            [ConfigProblem("--sink", f"no sink {name!r}; there are: {', '.join(sinks)}") for name in wrong]
        )
    return [sinks[name] for name in dict.fromkeys(names or sinks)]


def _task(
    sink: NamedSink,
    options: argparse.Namespace,
    config: GatewayConfig,
    store: SegmentStore,
    wanted: EventFilter,
    unreadable: Unreadable,
) -> _Task:
    routes = (EVERYTHING,) if options.sink else config.selectors_of(sink.name)

    positions: dict[int, int] = {}

    def dead() -> Pages:
        for page in letters(store, sink.name, wanted, unreadable("dead letter")):
            positions.update((each.number, each.position) for each in page)
            yield [Record(each.number, each.event) for each in page]

    def routed() -> Pages:
        for page in past(store, wanted, unreadable("event"), warn, task.passed):
            if records := [each for each in page if any(route.matches(each.event) for route in routes)]:
                yield records

    task = _Task(sink, dead if options.dead else routed, store.journal, positions)
    return task


async def _deliver(
    tasks: list[_Task], registry: Registry, console: Console, done: Callable[[list[int]], None] | None
) -> int:
    observing = registry.extended([console])
    for task in tasks:
        observing.redact.learn(task.sink.impl, owner=task.sink.name)
    reports = observing.observe
    selects = RouteSpans.of([EVERYTHING])
    pipelines = []
    async with AsyncExitStack() as opened:
        for task in tasks:
            try:
                ready = await opened.enter_async_context(task.sink.impl.open())
            except (DeliveryError, OSError) as error:
                raise DeliveryError(
                    f"sinks.{task.sink.name}: cannot be opened: {observing.redact(explain_file_error(error))}"
                ) from None
            cursor = Replay(task.pages(), task.delivered, task.journal, task.positions)
            pipelines.append(
                SinkPipeline(
                    task.sink.name,
                    ready,
                    cursor,
                    selects,
                    task.sink.delivery,
                    reports,
                    random.Random(),
                    observing.redact,
                )
            )
        progress = opened.enter_context(Progress("replaying"))
        async with trio.open_nursery() as nursery:
            await nursery.start(cancel_at_signal, nursery.cancel_scope, _say_stopping)
            nursery.start_soon(_keep_saving, tasks, done, progress)
            async with trio.open_nursery() as delivering:
                for pipeline in pipelines:
                    delivering.start_soon(pipeline.run)
            nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await _save(tasks, done)
    for task, pipeline in zip(tasks, pipelines, strict=True):
        dead = pipeline.snapshot().dead
        say(
            f"{task.sink.name}: {task.sent} of {task.total} events replayed"
            + (f", {dead} refused again" if dead else "")
        )
    return 0 if all(task.sent == task.total for task in tasks) else 1


def _say_stopping(name: str) -> None:
    say(f"{name}: stopping; what was sent is sent, the rest can be replayed again")


async def _save(tasks: list[_Task], done: Callable[[list[int]], None] | None) -> None:
    """What was sent is a dead letter no more; should we be killed before, it is sent again another time."""
    for task in tasks:
        if done is not None and (sent := list(task.unsaved)):
            await trio.to_thread.run_sync(done, sent)
            del task.unsaved[: len(sent)]


async def _keep_saving(tasks: list[_Task], done: Callable[[list[int]], None] | None, progress: Progress) -> None:
    while True:
        await trio.sleep(SAVE_SECONDS)
        await _save(tasks, done)
        progress.at("; ".join(f"{task.sink.name}: {task.sent} of {task.total}" for task in tasks))
