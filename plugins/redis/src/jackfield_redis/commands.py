"""``jackfield redis status``: who reads which partition, what is pending, and how far behind it is."""

from __future__ import annotations

import argparse
from functools import partial

import msgspec

from jackfield.errors import ConfigError, ConfigProblem, ConnectionLost
from jackfield.plugin.command import CommandHost, CommandSpec
from jackfield_redis.feed import RedisFeed

__all__ = ["COMMAND"]

EPILOG = """\
'behind' counts the entries that no member has read, 'pending' those that were read and are not
acknowledged: not in the journal of their member yet. A partition without a holder is taken within
lease_seconds, where any member lives.

examples:
  jackfield redis status gateway.toml
  jackfield redis status gateway.toml --feed bus --json"""


def _configure(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(dest="subject", metavar="status", required=True)
    status = subjects.add_parser(
        "status",
        help="the members of a feed's group, and its partitions",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    status.add_argument("config", metavar="CONFIG", help="a TOML file")
    status.add_argument("--feed", metavar="NAME", help="which feed (default: each redis feed)")
    status.add_argument("--json", action="store_true", help="print JSON, one object for each feed")


def _run(options: argparse.Namespace, host: CommandHost) -> int:
    feeds = {name: feed for name, feed in host.feeds(options.config).items() if isinstance(feed, RedisFeed)}
    if options.feed is not None:
        if options.feed not in feeds:
            known = ", ".join(feeds) or "none"
            raise ConfigError([ConfigProblem(f"feeds.{options.feed}", f"is not a redis feed; there are: {known}")])
        feeds = {options.feed: feeds[options.feed]}
    if not feeds:
        raise ConfigError([ConfigProblem("feeds", f"{options.config} has no redis feed")])
    failed = 0
    for name, feed in feeds.items():
        # Imported here: coredis costs 200 ms that no other command needs.
        import trio

        from jackfield_redis.status import status_of

        try:
            found = trio.run(partial(status_of, feed))
        except ConnectionLost as error:
            host.say(f"feeds.{name}: {error}")
            failed = 1
            continue
        if options.json:
            host.print(msgspec.json.encode({"feed": name, **msgspec.to_builtins(found)}).decode())
        else:
            host.print(f"feed {name}: {feed.shown} stream {feed.stream}, group {feed.group}\n{found.table()}")
    return failed


COMMAND = CommandSpec("redis", "who reads which partition of Redis Streams, and how far behind", _configure, _run)
