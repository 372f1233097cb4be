"""The checks of ``jackfield doctor``: each looks at what was observed of a feed, and says what that means; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from statistics import median

from jackfield._cli.observed import Observed
from jackfield.plugin.diagnosis import Finding

__all__ = ["CHECKS", "findings"]

EXPIRES_SOON_DAYS = 14
SKEW_SECONDS = 2.0
"""Above this, times of events are misleading; a ``Date`` header has whole seconds."""
MOST_SKEW_SECONDS = 60.0
"""Above this, tokens expire early or late, and gaps are looked for in the wrong span."""
SLOW_SECONDS = 2.0
MOST_NAMED = 5


def findings(seen: Observed) -> list[Finding]:
    """What all checks have found, in order."""
    return [finding for check in CHECKS for finding in check(seen)]


def _names(seen: Observed) -> Iterator[Finding]:
    for host in seen.hosts:
        if host.proxy:
            yield Finding("name", "ok", f"{host.name} is resolved by the proxy {host.proxy}")
        elif host.resolution:
            advice = "check the URL's spelling, and this machine's name servers"
            yield Finding("name", "failed", f"{host.name} has no address: {host.resolution}", advice)
        else:
            yield Finding("name", "ok", f"{host.name} ({host.purpose}) is {', '.join(host.addresses)}")


def _reachability(seen: Observed) -> Iterator[Finding]:
    for host in seen.hosts:
        if host.unreachable:
            advice = "check the port, firewalls between here and there, and whether a proxy is needed (proxy = …)"
            yield Finding("connect", "failed", host.unreachable, advice)
        elif host.connect_seconds is not None:
            slow = host.connect_seconds > SLOW_SECONDS
            text = f"{host.name} accepts connections, in {_ms(host.connect_seconds)}"
            yield Finding("connect", "warning" if slow else "ok", text)


_TLS_ADVICE = {
    "name": "the certificate is for another name: use the name in it in the URL, or have the server's replaced",
    "expired": "have the server's certificate renewed; until then nothing can be received",
    "untrusted": "name the authority's file by ca_file, or install it on this machine; do not switch checking off",
}


def _tls(seen: Observed) -> Iterator[Finding]:
    for host in seen.hosts:
        if host.tls_problem:
            yield Finding("TLS", "failed", host.tls_problem, _TLS_ADVICE.get(host.tls_verdict, ""))
        elif not host.by_tls and not _is_here(host.name) and not host.resolution:
            text = f"{host.name} is reached without TLS: the token and every event can be read on the way"
            yield Finding("TLS", "warning", text, "use wss: and https: where the vendor has them")
        elif host.tls and host.expires is not None:
            days = (host.expires - seen.at).days
            text = f"{host.tls}; the certificate of {host.name} is valid for {days} days, until {host.expires:%Y-%m-%d}"
            soon = days < EXPIRES_SOON_DAYS
            advice = "have it renewed before it ends the connection" if soon else ""
            yield Finding("TLS", "warning" if soon else "ok", text, advice)


def _clock(seen: Observed) -> Iterator[Finding]:
    skews = [each.skew_seconds for each in seen.exchanges if each.skew_seconds is not None]
    if not skews:
        return
    skew = median(skews)
    if abs(skew) <= SKEW_SECONDS:
        yield Finding("clock", "ok", "this machine's clock agrees with the server's")
        return
    text = f"this machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the server's"
    advice = "let a time service set it (timedatectl set-ntp true); tokens, gaps and reports go by it"
    yield Finding("clock", "failed" if abs(skew) > MOST_SKEW_SECONDS else "warning", text, advice)


def _rest(seen: Observed) -> Iterator[Finding]:
    advice = "without REST there is no login, a gap cannot be filled, and the state begins empty"
    asked = [each for each in seen.exchanges if not _is_unreachable(each.what, seen)]
    if failing := [each for each in asked if each.problem or (each.status or 0) >= 500]:
        worst = failing[-1]
        text = worst.problem or f"{worst.what} answers HTTP {worst.status}"
        yield Finding("REST", "failed", f"REST does not answer: {text}", advice)
    elif seen.sync_problem and not _is_unreachable(seen.sync_problem, seen):
        yield Finding("REST", "failed", f"REST answers, and not with lists: {seen.sync_problem}", advice)
    elif asked:
        seconds = median(each.seconds for each in asked)
        count = len(asked)
        text = f"REST answered {count} {'request' if count == 1 else 'requests'}, in {_ms(seconds)} as a rule"
        yield Finding("REST", "warning" if seconds > SLOW_SECONDS else "ok", text)
    elif not (seen.attempts or seen.exchanges or seen.webhook_only):
        yield Finding("REST", "ok", "no request by REST was needed")


def _connection(seen: Observed) -> Iterator[Finding]:
    if seen.webhook_only:
        yield Finding("connection", "ok", "the vendor sends everything by webhook: nothing to connect to")
        return
    for reason, at_login, auth_failed in dict.fromkeys(seen.attempts):
        if _is_unreachable(reason, seen):
            continue
        check = "login" if at_login or auth_failed else "connection"
        advice = "put a valid token, key or password in its place" if auth_failed else ""
        yield Finding(check, "failed", reason, advice)
    if seen.open_seconds is not None:
        yield Finding("connection", "ok", f"{seen.opened} accepts us, in {_ms(seen.open_seconds)} with the login")
    elif not seen.attempts and not _blocked(seen):
        yield Finding("connection", "failed", "no connection came up in time", "is there a proxy that swallows it?")


def _subscriptions(seen: Observed) -> Iterator[Finding]:
    for topic, reason in seen.refused.items():
        yield Finding("topic", "failed", f"{topic} is not served: {reason}", "its events will not come")
    for reason in seen.unselected:
        yield Finding("topic", "warning", reason)
    if seen.open_seconds is None:
        return
    if not seen.wanted:
        yield Finding("topic", "warning", "no route selects anything of this feed", "add a route")
    elif seen.subscribed_seconds is not None and seen.topics:
        named = ", ".join(seen.topics[:MOST_NAMED])
        more = f" and {len(seen.topics) - MOST_NAMED} more" if len(seen.topics) > MOST_NAMED else ""
        yield Finding("topic", "ok", f"granted in {_ms(seen.subscribed_seconds)}: {named}{more}")
    elif not seen.refused:
        silent = ", ".join(seen.wanted[:MOST_NAMED])
        yield Finding("topic", "failed", f"no answer to the subscription of {silent}", "ask the vendor")


def _events(seen: Observed) -> Iterator[Finding]:
    if seen.subscribed_seconds is None:
        return
    span = f"{seen.listened_seconds:.0f} s"
    if not seen.events:
        if seen.moved:
            text = f"subscribed and deaf: nothing came in {span}, while REST shows {_changes(seen.moved)}"
            advice = "connect anew; if that does not help, the vendor grants the subscription and does not serve it"
            yield Finding("events", "failed", text, advice)
        else:
            why = (
                "and REST shows no change either"
                if seen.moved == 0
                else "and nobody can tell whether anything happened"
            )
            yield Finding(
                "events", "warning", f"nothing came in {span}, {why}", "look again at a busy hour: --seconds 60"
            )
        return
    kinds = Counter(event.kind for event in seen.events)
    named = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(MOST_NAMED))
    yield Finding("events", "ok", f"{len(seen.events)} events in {span}: {named}")
    unmapped = sum(count for kind, count in kinds.items() if kind.startswith("unmapped."))
    if unmapped:
        yield Finding("events", "warning", f"{unmapped} of them have no neutral kind; they are delivered as unmapped.*")
    if copies := len(seen.events) - len({event.id for event in seen.events}):
        yield Finding("copies", "ok", f"{copies} of {len(seen.events)} were copies, which the journal leaves out")


def _latency(seen: Observed) -> Iterator[Finding]:
    ages = [(event.received - event.time).total_seconds() for event in seen.events if event.time is not None]
    if not ages:
        return
    age = median(ages)
    if age < -SKEW_SECONDS:
        text = f"events are stamped {-age:.1f} s after they came: the vendor's clock is ahead, or ours behind"
        yield Finding("latency", "warning", text, "compare the clock's finding")
    elif age > MOST_SKEW_SECONDS:
        text = f"events come {age:.0f} s after their own time: the vendor is late, or its clock behind"
        yield Finding("latency", "warning", text, "compare the clock's finding")
    else:
        yield Finding("latency", "ok", f"events come {max(age, 0.0):.2g} s after their own time")


def _frames(seen: Observed) -> Iterator[Finding]:
    if seen.unreadable:
        text = f"{len(seen.unreadable)} frames could not be read: {seen.unreadable[-1]}"
        yield Finding("frames", "warning", text, "'jackfield decode --explain' shows what a frame becomes")
    for gap in dict.fromkeys(seen.gaps):
        yield Finding("gap", "warning", gap)


CHECKS: tuple[Callable[[Observed], Iterator[Finding]], ...] = (
    _names,
    _reachability,
    _tls,
    _clock,
    _rest,
    _connection,
    _subscriptions,
    _events,
    _latency,
    _frames,
)
"""All of them, in the order in which a connection comes about."""


def _blocked(seen: Observed) -> bool:
    """Whether an earlier check has said already why there is no connection."""
    return any(each.resolution or each.unreachable or each.tls_problem for each in seen.hosts)


def _is_unreachable(text: str, seen: Observed) -> bool:
    """Whether it is about a server of which an earlier check has said already that it cannot be reached."""
    dead = [each.name for each in seen.hosts if each.resolution or each.unreachable]
    # A URL need not have its scheme's port.
    return any(name in text or f"//{name.rpartition(':')[0]}/" in text for name in dead)


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _is_here(host: str) -> bool:
    """Whether a connection to it stays on this machine."""
    name = host.rpartition(":")[0].strip("[]")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
