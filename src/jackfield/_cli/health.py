"""``jackfield health``: one probe of a running gateway."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import trio

from jackfield._cli.console import say
from jackfield._net.http_client import perform
from jackfield.config import find_config, read_metrics_options, read_toml
from jackfield.errors import ConfigError, ConfigProblem, RestError
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield.plugin.options import host_and_port

__all__ = ["configure", "run"]

EPILOG = """\
Asks /readyz at the URL, or where [metrics] listen of the configuration says. Prints the
answer and exits with 0 where webhooks can be committed, else with 1; with --strict also
with 1 where a feed is not subscribed or a sink lags.

  HEALTHCHECK CMD ["jackfield", "health", "http://127.0.0.1:9464"]"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "where", nargs="?", metavar="URL|CONFIG", help="(default: the configuration that 'jackfield run' finds)"
    )
    parser.add_argument("--strict", action="store_true", help="degraded is not well")


def run(options: argparse.Namespace) -> int:
    """Ask, and show the answer."""
    url = _url(options.where) + "/readyz" + ("?strict" if options.strict else "")
    try:
        answer = trio.run(perform, _asked(url))
    except RestError as error:
        say(f"jackfield: {error}", level="error")
        return 1
    try:
        document = json.loads(answer.body)
        status = document["status"]
    except (ValueError, TypeError, KeyError):
        say(f"jackfield: {url} answers with HTTP {answer.status}, and not as Jackfield does", level="error")
        return 1
    print(status)
    for name, reason in document.get("reasons", {}).items():
        print(f"  {name}: {reason}")
    return 0 if answer.status == 200 else 1


def _asked(url: str) -> HTTPFlow[Response]:
    return (yield Request("GET", url))


def _url(where: str | None) -> str:
    """The URL of the server for probes, without a path."""
    if where is not None and where.startswith(("http://", "https://")):
        if not where.isascii():
            raise ConfigError([ConfigProblem("URL", f"{where!r} is not ASCII; write other characters as %XX")])
        return where.rstrip("/").removesuffix("/readyz").removesuffix("/healthz")
    path = Path(where) if where is not None else find_config()
    if where is not None and ":" in where and not path.exists():
        raise ConfigError([ConfigProblem("URL", f"{where!r} is neither a file nor a URL; write http://HOST:PORT")])
    listen = read_metrics_options(read_toml(path)).listen
    if listen is None:
        raise ConfigError([ConfigProblem("metrics.listen", 'not given; give an address such as "127.0.0.1:9464"')])
    host, port = host_and_port(listen)
    with suppress(ValueError):
        if (address := ip_address(host)).is_unspecified:  # every address of this machine, so also this one
            host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
