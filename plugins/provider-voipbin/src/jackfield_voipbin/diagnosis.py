"""What ``jackfield doctor`` says of a VoIPBIN feed: its token's age and rights, and how the server writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from jackfield.errors import FrameError, SecretError
from jackfield.events import Event
from jackfield.plugin.diagnosis import Finding
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.secrets import Secret
from jackfield_voipbin.credentials import ADMIN, MANAGER, SUPER, Credential, read_credential
from jackfield_voipbin.frame_format import FrameFormat, format_of
from jackfield_voipbin.wire import read_frame

__all__ = ["diagnose"]

SOON = timedelta(days=2)
_RENEW = "put a new one in its place; with username and password the feed gets its own before each connection"
_DIFFERENT = {
    FrameFormat.WRAPPED: "frames are {type, data} and not the documented envelope: they name no topic and no time",
    FrameFormat.BARE: "frames are bare resources without the documented envelope: what happened is inferred from each",
}


class _HoldsToken(Protocol):
    @property
    def token(self) -> Secret | None: ...
    @property
    def credential(self) -> Literal["auto", "token", "accesskey"]: ...


def diagnose(
    provider: _HoldsToken, protocol: FeedProtocol | None, events: Sequence[Event], now: datetime
) -> Iterator[Finding]:
    """The token's age and rights, and how the server differs from its documentation."""
    if provider.token is not None:
        try:
            text = provider.token.reveal()
        except SecretError as error:
            yield Finding("token", "failed", str(error), "give the token where the configuration says it is")
        else:
            credential = read_credential(text, provider.credential)
            yield from _age(credential, now)
            yield from _rights(credential)
    yield from _spellings(protocol)
    yield from _differences(events)


def _age(credential: Credential, now: datetime) -> Iterator[Finding]:
    if credential.kind == "accesskey":
        yield Finding("token", "ok", "an access key, which does not say when it expires")
    elif credential.expires is None:
        yield Finding("token", "ok", "the token does not say when it expires")
    elif (left := credential.expires - now) <= timedelta():
        text = f"the token expired at {credential.expires:%Y-%m-%d %H:%M} UTC"
        yield Finding("token", "failed", text, _RENEW)
    else:
        text = f"the token expires in {left.days} days, at {credential.expires:%Y-%m-%d %H:%M} UTC"
        yield Finding("token", *(("warning", text, _RENEW) if left < SOON else ("ok", text)))


def _rights(credential: Credential) -> Iterator[Finding]:
    if credential.identity == "delegate":
        advice = "use an agent's token or an access key"
        yield Finding("rights", "failed", "a delegate's token opens no websocket", advice)
    elif credential.identity == "direct":
        allowed = ", ".join(credential.resources) or "nothing"
        yield Finding("rights", "warning", f"a direct link's token, limited to: {allowed}", "use an agent's token")
    elif credential.permission is None:
        kind = "access key" if credential.kind == "accesskey" else "token"
        yield Finding("rights", "ok", f"the {kind} does not say what it may; topics show it")
    elif credential.permission & SUPER:
        text = "the token is a project administrator's and may read every customer: more than a feed needs"
        yield Finding("rights", "warning", text, "use a token of this customer alone")
    elif credential.permission & (ADMIN | MANAGER):
        yield Finding("rights", "ok", "the token may subscribe to everything of its customer")
    else:
        text = f"the token is a plain agent's: it may subscribe to voipbin/agent/{credential.agent_id}/** only"
        yield Finding("rights", "warning", text, "for the whole customer use a token with the role admin or manager")


def _spellings(protocol: FeedProtocol | None) -> Iterator[Finding]:
    from jackfield_voipbin.protocol import VoipbinProtocol  # loaded by a feed, and not by every command

    if not isinstance(protocol, VoipbinProtocol):
        return
    if protocol.left_out:
        text = f"the server cut the connection each time it was asked for {', '.join(protocol.left_out)}"
        yield Finding("spelling", "warning", text, "its events will not come; may the token's owner read them?")
    if protocol.sent:
        spellings = {"documented" if "*" in each else "deployed" for each in protocol.sent}
        ways = " and ".join(f"as {each}" for each in sorted(spellings, reverse=True))
        count = "1 subscription is sent" if len(protocol.sent) == 1 else f"{len(protocol.sent)} subscriptions are sent"
        text = f"{count}, spelled {ways}; this server confirms no topic by its name, so only events show what it serves"
        yield Finding("spelling", "ok", text)


def _differences(events: Sequence[Event]) -> Iterator[Finding]:
    formats: Counter[FrameFormat] = Counter()
    for event in events:
        if event.raw is not None:
            try:
                formats[format_of(read_frame(event.raw), event.raw)] += 1
            except FrameError:  # it came as a part of another frame
                continue
    for format_, text in _DIFFERENT.items():
        if formats[format_]:
            yield Finding("differs", "ok", text)
    if formats[FrameFormat.DOCUMENTED] and not formats.keys() & _DIFFERENT.keys():
        yield Finding("format", "ok", "frames have the documented envelope")
    names = {event.native_type for event in events if event.native_type and not event.inferred}
    if snake := sorted(name for name in names if "_" in name and "." not in name):
        yield Finding("differs", "ok", f"events are named as {snake[0]}, and not with a dot as documented")
    if (copies := Counter(event.id for event in events)) and len(events) > len(copies):
        each = len(events) / len(copies)
        yield Finding("differs", "ok", f"each event comes {each:.1f} times, which the documentation does not say")
