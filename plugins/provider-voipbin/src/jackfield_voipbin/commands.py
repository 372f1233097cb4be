"""``jackfield voipbin webhook``: where the platform sends a customer's events by webhook, shown and set."""

from __future__ import annotations

import argparse

from jackfield.errors import ConfigError, ConfigProblem
from jackfield.plugin.command import CommandHost, CommandSpec
from jackfield.plugin.options import is_url
from jackfield_voipbin import Voipbin
from jackfield_voipbin.customer import WebhookSettings, read_webhook, write_webhook

__all__ = ["COMMAND"]

METHODS = ("POST", "PUT", "GET", "DELETE")
LARGEST_SEEN = 1_180_000
"""An ``activeflow_updated`` of so many bytes was seen: it lists each action that the flow has executed."""

EPILOG = """\
VoIPBIN sends a customer's events to one URL, which is in the customer's own record. 'set' and
'clear' read the record, change that, and write everything else back as it was: the platform
would blank what it is not given. Reading needs the role customer admin or manager, writing
customer admin.

examples:
  jackfield voipbin webhook show gateway.toml
  jackfield voipbin webhook show gateway.toml --reveal-secret
  jackfield voipbin webhook set gateway.toml --url https://events.example/webhooks/head-office
  jackfield voipbin webhook clear gateway.toml --feed head-office"""


def _configure(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(dest="subject", metavar="webhook", required=True)
    webhook = subjects.add_parser(
        "webhook",
        help="where the platform sends events to",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = webhook.add_subparsers(dest="action", metavar="show|set|clear", required=True)
    for name, summary in (("show", "what is set"), ("set", "have events sent"), ("clear", "have none sent")):
        action = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        action.add_argument("config", metavar="CONFIG", help="a TOML file")
        action.add_argument("--feed", metavar="NAME", help="which feed's customer (default: the only voipbin feed)")
        if name == "show":
            action.add_argument("--reveal-secret", action="store_true", help="show the secret, for webhook_secret")
        if name == "set":
            action.add_argument("--url", required=True, type=_url, metavar="URL", help="where to")
            action.add_argument("--method", choices=METHODS, default="POST", help="(default: POST)")


def _url(text: str) -> str:
    try:
        is_url("https", "http")(None, None, text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _run(options: argparse.Namespace, host: CommandHost) -> int:
    name, feed = _feed(options, host)
    rest = host.perform(feed.authenticate()).rest()
    if options.action == "show":
        _show(host.perform(read_webhook(rest)), host, reveal=options.reveal_secret)
        if (limit := host.message_limits(options.config)[name]) < 2 * LARGEST_SEEN:
            seen = f"an event of {LARGEST_SEEN:,} bytes was seen"
            host.print(f"warning: what exceeds max_message_bytes, {limit:,} bytes, is lost; {seen}")
        return 0
    uri, method = (options.url, options.method) if options.action == "set" else ("", None)
    _show(host.perform(write_webhook(rest, uri, method)), host)
    return 0


def _feed(options: argparse.Namespace, host: CommandHost) -> tuple[str, Voipbin]:
    feeds = {name: each for name, each in host.feeds(options.config).items() if isinstance(each, Voipbin)}
    if options.feed is None and len(feeds) == 1:
        return next(iter(feeds.items()))
    if options.feed in feeds:
        return options.feed, feeds[options.feed]
    names = ", ".join(feeds) or "none"
    which = "say which with --feed" if options.feed is None else f"{options.feed!r} is not a feed of VoIPBIN's"
    raise ConfigError([ConfigProblem("feeds", f"{which} (there are: {names})")])


def _show(settings: WebhookSettings, host: CommandHost, *, reveal: bool = False) -> None:
    host.print(f"uri: {settings.uri or 'none, so nothing is sent'}")
    host.print(f"method: {settings.method or 'GET, with a body'}")
    if settings.method not in (*METHODS, ""):
        host.print(f"warning: Jackfield accepts {', '.join(METHODS)}; what is sent by {settings.method} is lost")
    elif settings.method in ("", "GET", "DELETE"):
        host.print("warning: many proxies drop the body of such a request, and with it the event; POST is safe")
    shown = settings.secret if reveal else "there is one; --reveal-secret shows it"
    host.print(f"secret: {shown if settings.secret else 'none, so webhooks are not signed'}")


COMMAND = CommandSpec("voipbin", "VoIPBIN's own settings: where it sends webhooks to", _configure, _run)
"""What the hook ``jackfield_commands`` offers."""
