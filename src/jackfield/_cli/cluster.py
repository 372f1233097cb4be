"""``jackfield cluster status``: the gateways that share feeds, and who holds which."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

import msgspec
import trio

from jackfield._cli.config_option import add_config_option, load_config, named_files
from jackfield._cli.console import say
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._gateway.cluster.sharing import About
from jackfield.config import ClusterConfig, GatewayConfig
from jackfield.errors import ConfigError, ConfigProblem, ConnectionLost
from jackfield.plugin.coordinator import ClusterView, LeaseState, SupportsGroupStatus

__all__ = ["configure", "run"]

EPILOG = """\
Asks the coordinator that [cluster] names; it need not run on the same machine as any
member. WRITES is the fencing number under which a member writes a feed, 'stands by' says
that it is connected and keeps copies, 'connects' that it is not subscribed yet. Exits
with 1 where the coordinator does not answer, no gateway is a member, or a feed has no
holder. In JSON, seconds_left is null where a lease does not end by time.

  jackfield cluster status gateway.toml
  jackfield cluster status gateway.toml --json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    subjects = parser.add_subparsers(dest="subject", metavar="status", required=True)
    status = subjects.add_parser(
        "status",
        help="the members, who holds which feed, and how far each is behind",
        description="The members, who holds which feed, and how far each is behind.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_option(status)
    status.add_argument("--json", action="store_true", help="print JSON")
    add_plugin_options(status)


def run(options: argparse.Namespace) -> int:
    """Ask, and print."""
    config = load_config(named_files(options), load_plugins(options.plugins, strict=options.strict_plugins))
    if config.cluster is None:
        raise ConfigError([ConfigProblem("cluster", "not given, so this gateway shares its feeds with no other")])
    try:
        view, groups = trio.run(_asked, config, config.cluster)
    except ConnectionLost as error:
        say(f"jackfield: {error}", level="error")
        return 1
    members = {name: About.read(text) for name, text in view.members.items()}
    if options.json:
        print(msgspec.json.encode(_document(view, members, groups)).decode())
    else:
        print(f"cluster {config.cluster.options.name}: {config.cluster.coordinator.shown}")
        print(_table(("FEED", "HOLDER", "WRITES", "STAND BY", "CONNECT"), _feed_rows(view, members)))
        print(_table(("MEMBER", "FEEDS", "NOT COMMITTED", "BEHIND"), _member_rows(members)))
        for name, text in groups.items():
            print(f"feed {name}\n{text}")
    trouble = _trouble(config.cluster, view, members)
    if trouble:
        say(f"jackfield: {trouble}", level="error")
    return 1 if trouble else 0


async def _asked(config: GatewayConfig, cluster: ClusterConfig) -> tuple[ClusterView, dict[str, str]]:
    options = cluster.options
    async with cluster.coordinator.open(options.name, "status", options.lease_seconds) as opened:
        view = await opened.look()
    groups = {}
    for feed in config.feeds:
        if isinstance(feed.provider, SupportsGroupStatus):
            try:
                groups[feed.name] = await feed.provider.group_status()
            except ConnectionLost as error:
                groups[feed.name] = str(error)
    return view, groups


def _trouble(cluster: ClusterConfig, view: ClusterView, members: dict[str, About]) -> str:
    """What is wrong, if anything is."""
    if not members:
        where = f"{cluster.options.name!r} at {cluster.coordinator.shown}"
        return f"no gateway is a member of the cluster {where}: none runs, or those that run have another name or url"
    feeds = sorted({feed for about in members.values() for feed in about.feeds})
    if not feeds:
        return "no member has a feed that can be shared: those by webhook alone, and of Redis, are every member's"
    free = [feed for feed in feeds if not view.leases.get(feed, LeaseState()).member]
    return f"nobody holds {', '.join(free)}" if free else ""


def _feed_rows(view: ClusterView, members: dict[str, About]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for feed in sorted({feed for about in members.values() for feed in about.feeds} | set(view.leases)):
        lease = view.leases.get(feed, LeaseState())
        running = [name for name, about in members.items() if feed in about.feeds and about.feeds[feed].running]
        others = [name for name in running if name != lease.member]
        complete = [name for name in others if members[name].feeds[feed].complete_since is not None]
        rest = [name for name in others if name not in complete]
        rows.append((feed, lease.member or "-", str(lease.fence), _names(complete), _names(rest)))
    return rows


def _member_rows(members: dict[str, About]) -> list[tuple[str, ...]]:
    return [
        (
            f"{name} (leaving)" if about.leaving else name,
            str(sum(feed.running for feed in about.feeds.values())),
            str(about.waiting),
            ", ".join(f"{sink} {lag}" for sink, lag in sorted(about.sinks.items())) or "-",
        )
        for name, about in sorted(members.items())
    ]


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)


def _document(view: ClusterView, members: dict[str, About], groups: dict[str, str]) -> dict[str, object]:
    feeds = {
        feed: {"holder": lease.member or None, "fence": lease.fence, "seconds_left": lease.seconds_left or None}
        for feed, lease in sorted(view.leases.items())
    }
    return {"members": members, "feeds": feeds, "groups": groups}
