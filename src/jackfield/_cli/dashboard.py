"""``jackfield dashboard``: a gateway and a live page beside it."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import trio

from jackfield._cli.config_option import Source, add_config_option, named_files
from jackfield._cli.console import Console
from jackfield._cli.log_options import add_log_options, made_console
from jackfield._cli.numbers import number
from jackfield._cli.paths import named_path
from jackfield._cli.plugin_logs import plugin_logs
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._cli.run import run_until_signal, say_summary
from jackfield._dashboard.access import Access, plan_access
from jackfield._dashboard.site import Site
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.opening import open_gateway
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig, GatewayOptions
from jackfield.errors import JackfieldError

__all__ = ["configure", "open_dashboard", "run"]

PORT = 8321

EPILOG = """\
Runs the gateway as 'jackfield run' does, with sinks and journal, and serves a page
beside it. With --watch-only it connects the feeds only, so that it can run beside a
gateway of the same configuration. On loopback the page needs no token; on any other
address it needs a token and TLS:

  jackfield dashboard gateway.toml
  jackfield dashboard gateway.toml --host 0.0.0.0 --token-file token \\
      --tls-cert dashboard.crt --tls-key dashboard.key"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    add_config_option(parser)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: loopback only)")
    parser.add_argument(
        "--port",
        type=number(int, 0, 65_535),
        default=PORT,
        metavar="N",
        help=f"the port to listen on; 0 for any free port (default: {PORT})",
    )
    parser.add_argument(
        "--token-file", type=named_path, metavar="F", help="a file with the token that viewers must enter"
    )
    parser.add_argument("--tls-cert", type=named_path, metavar="F", help="a PEM file with the server's certificate")
    parser.add_argument(
        "--tls-key", type=named_path, metavar="F", help="a PEM file with the key, if --tls-cert does not hold it"
    )
    parser.add_argument("--watch-only", action="store_true", help="run without sinks, routes and journal")
    add_log_options(parser)
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until a signal."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    source = Source(named_files(options), registry)
    again = partial(_read, source, watch_only=options.watch_only)
    config = again()
    access = plan_access(options.host, options.token_file, options.tls_cert, options.tls_key, config.viewers)
    console = made_console(options)
    for warning in config.warnings:
        console.say("config_warning", str(warning), level="warning")
    with plugin_logs(console, registry.redact):
        trio.run(_run, registry, config, access, options.port, console, again)
    return 0


def _read(source: Source, *, watch_only: bool) -> GatewayConfig:
    config = source.read()
    return attrs.evolve(config, sinks=(), routes=(), gateway=GatewayOptions()) if watch_only else config


async def _run(
    registry: Registry,
    config: GatewayConfig,
    access: Access,
    port: int,
    console: Console,
    again: Callable[[], GatewayConfig],
) -> None:
    opening = open_dashboard(registry, config, console, access, port)
    stats = await run_until_signal(opening, console, config, again)
    say_summary(stats, console, durable=config.gateway.journal != "memory")


@asynccontextmanager
async def open_dashboard(
    registry: Registry,
    config: GatewayConfig | Mapping[str, Any],
    console: Console,
    access: Access,
    port: int,
) -> AsyncGenerator[Gateway, None]:
    """Run a gateway with a page beside it; raises `JackfieldError` if the port cannot be opened."""
    site = Site(access, registry.redact)
    async with (
        open_gateway(config, registry=registry, plugins=[console, site]) as gateway,
        trio.open_nursery() as nursery,
    ):
        try:
            url = await nursery.start(partial(site.run, gateway, port))
        except OSError as error:
            why = error.strerror or str(error)
            raise JackfieldError(f"cannot listen on {access.host}:{port}: {why}; choose another --port") from None
        console.say("dashboard_served", f"dashboard: {url}", url=url)
        yield gateway
        nursery.cancel_scope.cancel()
