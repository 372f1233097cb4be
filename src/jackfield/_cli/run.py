"""``jackfield run``: the gateway as a process."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext

import trio

from jackfield._cli.config_option import Source, add_config_option, named_files
from jackfield._cli.console import Console
from jackfield._cli.early_signals import as_python_has_them
from jackfield._cli.log_options import add_log_options, made_console
from jackfield._cli.numbers import number
from jackfield._cli.plugin_logs import plugin_logs
from jackfield._cli.plugin_options import add_plugin_options, load_plugins, named_plugins
from jackfield._cli.reloading import SupportsReload, check_free, reload_gateway
from jackfield._cli.signals import STOP, second_signal_ends
from jackfield._cli.tuning import tune
from jackfield._cli.workers.group import WorkerGroup
from jackfield._cli.workers.messages import Begin, Written
from jackfield._cli.workers.unit import check_shareable, standard_output
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.opening import open_gateway
from jackfield._gateway.snapshot import GatewayState
from jackfield._loading.registry import Registry
from jackfield._net.http_server import HTTPServer
from jackfield._serve.monitor import open_probes
from jackfield._serve.server import open_serving
from jackfield._serve.service_manager import ServiceManager, managed
from jackfield.config import GatewayConfig
from jackfield.config.addresses import host_of, tables_of

__all__ = ["configure", "run", "run_until_signal", "say_summary"]

MOST_WORKERS = 64
EPILOG = """\
Connects every feed and delivers to every sink until SIGINT or SIGTERM; then it closes
the vendors' connections, drains the sinks and exits with 0. A second signal stops it at
once. SIGHUP reads the configuration again and takes over what has changed, or nothing
where something is wrong; 'jackfield reload CONFIG' sends it and prints the outcome.
'jackfield check CONFIG' prints what it will subscribe to."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    add_config_option(parser)
    parser.add_argument(
        "--workers",
        type=number(int, 1, MOST_WORKERS),
        default=1,
        metavar="N",
        help="processes that hold the feeds between them, 64 at most, each feed with a journal of its own "
        "(default: this one)",
    )
    add_log_options(parser)
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until a signal."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    files = named_files(options)
    source = Source(files, registry)
    config = source.read()
    console = made_console(options)
    for warning in config.warnings:
        console.say("config_warning", str(warning), level="warning")
    if options.workers > max(1, feeds := len(config.feeds)):
        text = f"--workers: more than the feeds, of which there are {feeds}, so {options.workers - feeds} hold nothing"
        console.say("config_warning", text, level="warning")
    tune()
    as_python_has_them(signal.SIGINT)  # trio looks at the beginning whether an interrupt is its own to handle
    with plugin_logs(console, registry.redact):
        if options.workers > 1:
            trio.run(_run_workers, config, registry, console, source, options)
        else:
            trio.run(_run, config, registry, console, source.read)
    return 0


async def _run(config: GatewayConfig, registry: Registry, console: Console, again: Callable[[], GatewayConfig]) -> None:
    opening = open_gateway(config, registry=registry, plugins=[console])
    stats = await run_until_signal(opening, console, config, again)
    if console.least in ("debug", "info"):
        say_summary(stats, console, durable=config.gateway.journal != "memory")


async def _run_workers(
    config: GatewayConfig, registry: Registry, console: Console, source: Source, options: argparse.Namespace
) -> None:
    begin = Begin(
        Written.of(source.document),
        (),
        None if (named := named_plugins(options.plugins)) is None else tuple(named),
        options.strict_plugins,
        console.least,
        console.format,
    )
    check_shareable(config, standard_output())
    registry = registry.extended([console])
    group = WorkerGroup(config, lambda: source.document, registry, options.workers, begin)
    stats = await run_until_signal(group.open(), console, config, source.read, group.kill)
    if console.least in ("debug", "info"):
        say_summary(stats, console, durable=config.gateway.journal != "memory")


async def run_until_signal(
    opening: AbstractAsyncContextManager[SupportsReload],
    console: Console,
    config: GatewayConfig,
    again: Callable[[], GatewayConfig] | None = None,
    at_once: Callable[[], object] = lambda: None,
) -> GatewayState:
    """Run a gateway until SIGINT or SIGTERM and shut it down gracefully; returns its last state.

    `again` reads its configuration anew, which SIGHUP asks for; `at_once` ends what a second signal must not leave.
    """
    check_free(config)
    manager, turn = ServiceManager.of(), trio.Lock()
    with ExitStack() as handlers:
        hang_up = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # Windows has none
        signals = handlers.enter_context(trio.open_signal_receiver(*STOP, *hang_up))
        async with (
            open_probes(config.metrics.listen, shared=(host := metrics_host(config)) != "metrics") as probes,
            open_serving(config) as serving,
            opening as gateway,
            serving.of(gateway) if isinstance(gateway, Gateway) else nullcontext() as serving_http,
            probes.of(gateway, serving_http if host == "serve" else _parent_http(gateway)),
            managed(gateway, manager),
            trio.open_nursery() as reloading,
        ):
            if probes.url:
                console.say("metrics_served", f"metrics: {probes.url}/metrics", url=f"{probes.url}/metrics")
            if serving.url:
                console.say("events_served", f"serving events: {serving.url}/v1/events", url=serving.url)
            async for received in signals:
                if received in STOP:
                    console.say("gateway_stopping", f"{signal.Signals(received).name}: stopping")
                    break
                if again is not None:
                    reloading.start_soon(reload_gateway, gateway, again, console, manager, turn)
            reloading.cancel_scope.cancel()
            # From here on Python's own handlers are back.
            handlers.close()
            as_python_has_them(*STOP)
            handlers.enter_context(second_signal_ends(received, at_once))
    return gateway.state()


def _parent_http(gateway: SupportsReload) -> HTTPServer | None:
    """What receives webhooks, where that is in another process than the feeds."""
    return gateway.server.http if isinstance(gateway, WorkerGroup) else None


def metrics_host(config: GatewayConfig) -> str:
    """The table whose server listens where metrics are served."""
    return host_of("metrics", tables_of(config))


def say_summary(state: GatewayState, console: Console, *, durable: bool) -> None:
    """Print what was received, delivered and lost."""
    for name, feed in state.feeds.items():
        rejections = sum(feed.webhooks.rejections.values())
        webhooks = f" and {feed.webhooks.accepted} webhooks" if feed.webhooks.accepted else ""
        rejected = f", {rejections} rejected" if rejections else ""
        received = f"{feed.events} events in {feed.frames} frames{webhooks}"
        gaps = f"{feed.gaps} {'gap' if feed.gaps == 1 else 'gaps'}"
        seconds = feed.not_verified_seconds
        unknown = f", {seconds:.0f} s not verified" if seconds else ""
        text = f"{name}: {received}, {feed.unreadable} unreadable{rejected}, {gaps}{unknown}"
        console.say("feed_summary", text, feed=name)
    for name, sink in state.sinks.items():
        dead = f", {sink.dead} dead letters" if sink.dead else ""
        waiting = f", {sink.lag} waiting in the journal" if sink.lag and durable else ""
        text = f"sink {name}: {sink.delivered} delivered, {sink.dropped} lost{dead}{waiting}"
        console.say("sink_summary", text, sink=name)
    journal = state.journal
    if journal.dropped or journal.rescued:
        rescued = f", {journal.rescued} saved beside it for 'jackfield journal import'" if journal.rescued else ""
        text = f"journal: {journal.dropped} events lost before they were committed{rescued}"
        console.say("journal_summary", text, level="warning")
